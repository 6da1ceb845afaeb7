//! The script that every notebook of a project runs when it starts, put together from the files beside this one.
//!
//! There is one script for the project: what differs between notebooks (role, owner, name) each reads from AWS about
//! itself. Values stand on top as quoted variables; nothing is ever put into the middle of code.

use sha2::{Digest, Sha256};

use super::Project;
use crate::api::Preset;
use crate::model::{NodeKey, Ref};
use crate::policy::sagemaker::LOCAL_DISK_TYPES;

const ON_START: &str = include_str!("start/on_start.sh");
const SETTINGS: &str = include_str!("start/settings.py");
const CONFIG: &str = include_str!("start/config.yaml");
const STARTUP: &str = include_str!("start/startup.py");
const PIP: &str = include_str!("start/pip.conf");

/// The line of the script that the values replace.
const VALUES: &str = "#@values\n";

/// `text` without the lines that are comments or empty: the script has a limit, and who wants the reasons reads the files
/// beside this one. What names the interpreter, or the place of the values, is no comment.
fn brief(text: &str) -> String {
    let idle =
        |line: &&str| line.is_empty() || line.starts_with('#') && !line.starts_with("#!") && !line.starts_with("#@");
    let lines = text.lines().filter(|line| !idle(&line.trim_start()));
    lines.fold(String::new(), |brief, line| brief + line + "\n")
}

/// The script of `project`.
pub(crate) fn script(project: &Project) -> String {
    let mirror = project.spec.packages.mirror.as_ref().map(|_| {
        let endpoint = NodeKey::new("VpcEndpoint", "mirror");
        String::from(Ref::<()>::output(&endpoint, "dnsName"))
    });
    let isolation = match project.spec.guardrails.preset {
        Preset::Strict => "true",
        Preset::Published | Preset::Standard => "false",
    };
    let list = |words: &[String]| words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    let values = [
        variable("PROJECT", &project.name),
        variable("ENVIRONMENT", project.environment.as_str()),
        variable("NETWORK_ISOLATION", isolation),
        variable("MIRROR", &mirror.unwrap_or_default()),
        format!("PARAMETERS=({})\n", list(&parameters(project))),
        format!("PACKAGES=({})\n", list(&project.spec.packages.install)),
        variable("SETTINGS_PY", &brief(SETTINGS)),
        variable("CONFIG_YAML", &brief(CONFIG)),
        variable("STARTUP_PY", &brief(STARTUP)),
        variable("LOCAL_DISK_TYPES", &LOCAL_DISK_TYPES.join(" ")),
        variable("PIP_CONF", &brief(PIP)),
    ]
    .concat();
    let digest = Sha256::digest(format!("{ON_START}{values}"));
    let version: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    brief(ON_START).replace(VALUES, &format!("{}{values}", variable("VERSION", &version)))
}

/// The SSM parameters that the script reads, in the order in which it expects them: at most ten, as one call takes.
fn parameters(project: &Project) -> Vec<String> {
    let suffix = project.suffix();
    let mut names = vec![
        format!("ds-vpc-{suffix}-id"),
        format!("ds-sagemaker-sg-{suffix}-id"),
        format!("ds-kms-cmk-{suffix}-arn"),
        format!("ds-s3-data-bucket-{suffix}"),
        format!("ds-s3-model-artifact-bucket-{suffix}"),
    ];
    let subnets = project.subnets.iter();
    names.extend(subnets.map(|subnet| format!("ds-subnet-{}-{suffix}-id", subnet.letter)));
    names
}

fn variable(name: &str, value: &str) -> String {
    format!("{name}={}\n", quote(value))
}

/// `text` as one word of the shell, whatever it holds. The shell has no way to say a zero byte: it is left out.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::api::{EnvironmentType, Mirror, Packages, SecureMLProjectSpec};
    use crate::blueprint::tests::project;
    use crate::kinds::lifecycle_config::SCRIPT_LIMIT;

    /// What bash takes `word` for.
    fn read_by_bash(word: &str) -> String {
        let script = format!("printf %s {word}");
        let output = Command::new("bash").args(["-c", &script]).output().expect("bash");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_text_breaks_out_of_its_quotes(text in "(?s)[^\\x00]{0,40}|['\"$`\\\\\n ;|&<>(){}!#*?-]{0,20}") {
            prop_assert_eq!(read_by_bash(&quote(&text)), text);
        }
    }

    #[test]
    fn a_zero_byte_is_left_out() {
        assert_eq!(quote("a\0b"), "'ab'");
    }

    #[test]
    fn the_largest_script_is_within_the_limit() {
        let spec = SecureMLProjectSpec {
            project_name: Some("a".repeat(31)),
            environment_type: EnvironmentType::Prod,
            packages: Packages {
                mirror: Some(Mirror {
                    endpoint_service: "com.amazonaws.vpce.eu-central-1.vpce-svc-0123456789abcdef0".to_owned(),
                }),
                install: vec!["p".repeat(60); 12],
            },
            ..SecureMLProjectSpec::default()
        };
        let reference = "⟦VpcEndpoint/mirror.dnsName⟧";
        let script = script(&project(spec)).replace(reference, &"x".repeat(100));
        let size = BASE64_STANDARD.encode(script).len();
        assert!(size < SCRIPT_LIMIT, "{size}");
    }

    #[test]
    fn the_values_are_in_the_script() {
        assert_eq!(ON_START.matches(VALUES).count(), 1);
        let script = script(&project(SecureMLProjectSpec::default()));
        assert!(!script.contains(VALUES));
        assert!(script.contains("PROJECT='churn'\n"));
    }

    #[test]
    fn the_script_holds_no_secret_and_no_value_of_a_notebook() {
        let script = script(&project(SecureMLProjectSpec::default()));
        for word in ["AKIA", "password", "secret", "role/"] {
            assert!(!script.to_lowercase().contains(&word.to_lowercase()), "{word}");
        }
    }
}
