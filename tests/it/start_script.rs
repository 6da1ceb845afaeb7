//! The script that notebooks run when they start, linted, run, and its output read as a notebook reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use secureml::api::{Guardrails, Mirror, Preset, SecureMLProjectSpec};
use secureml::blueprint::{Project, draw};
use secureml::model::{Account, NodeKey, Owner, Zone};
use serde_json::{Value, json};

const MIRROR: &str = "vpce-1-x.vpce-svc-1.eu-central-1.vpce.amazonaws.com";
const ARN: &str = "arn:aws:sagemaker:eu-central-1:111122223333:notebook-instance/ds-notebook-churn-dev-ada";
const ROLE: &str = "arn:aws:iam::111122223333:role/secureml/churn-dev/ds-notebook-role-churn-dev-ada";
const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/0a1b";
/// What a linter takes for slips: dollar signs and quotes in files that stand in quotes, functions whose failure is
/// answered by `||`, and names without braces.
const NOT_FAULTS: &str = "--exclude=SC2016,SC2089,SC2090,SC2250,SC2310,SC2312";
/// The owner's name, of the kind that breaks scripts.
const OWNER: &str = "-o'hara \"$(touch /tmp/broken)\" `id`";

/// The script of a project with `adjust`ments.
fn script(adjust: impl FnOnce(&mut SecureMLProjectSpec)) -> Result<String> {
    let zone = |letter: char| Zone {
        id: format!("euc1-az-{letter}"),
        name: format!("eu-central-1{letter}"),
    };
    let account = Account {
        partition: "aws".to_owned(),
        id: "111122223333".to_owned(),
        region: "eu-central-1".to_owned(),
        zones: ['a', 'b', 'c'].map(zone).to_vec(),
        s3_prefix_list: "pl-1".to_owned(),
        endpoint_services: BTreeMap::new(),
        caller: "arn:aws:iam::111122223333:role/secureml".to_owned(),
    };
    let owner = Owner::new("test", "default", "churn");
    let mut project = Project::new(owner, SecureMLProjectSpec::default(), account)
        .map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    adjust(&mut project.spec);
    let node = NodeKey::new("LifecycleConfig", "notebook");
    let text = draw(&project).nodes[&node].attributes["onStart"]
        .as_str()
        .context("a script")?
        .to_owned();
    Ok(text.replace("⟦VpcEndpoint/mirror.dnsName⟧", MIRROR))
}

fn with_mirror(spec: &mut SecureMLProjectSpec) {
    spec.packages.mirror = Some(Mirror {
        endpoint_service: "com.amazonaws.vpce.eu-central-1.vpce-svc-1".to_owned(),
    });
    spec.packages.install = vec!["pandas==2.2.3".to_owned(), "xgboost".to_owned()];
}

/// A file system as a notebook has it, with an `aws` that answers from files.
pub struct Notebook {
    directory: tempfile::TempDir,
}

impl Notebook {
    fn new() -> Result<Self> {
        let tags = json!({"Tags": [
            {"Key": "NotebookOwnerUsername", "Value": OWNER},
            {"Key": "NotebookOwnerEmail", "Value": "ada@example.com"},
        ]});
        Self::answered(ARN, ROLE, &tags, &Self::parameters())
    }

    /// The notebook `arn` with the role `role`, where AWS answers with `tags` and `parameters`.
    pub fn answered(arn: &str, role: &str, tags: &Value, parameters: &Value) -> Result<Self> {
        let (_, name) = arn.rsplit_once('/').context("the ARN of a notebook")?;
        let notebook = Self {
            directory: tempfile::tempdir()?,
        };
        let program = |name: &str, text: &str| {
            let path = notebook.path(&format!("programs/{name}"));
            fs::create_dir_all(path.parent().context("a parent")?)?;
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            anyhow::Ok(())
        };
        program(
            "aws",
            "#!/bin/bash\necho \"$@\" >>\"$SECUREML_ROOT/asked\"\nexec cat \"$SECUREML_ROOT/answers/$2.json\"\n",
        )?;
        program("systemctl", "#!/bin/bash\necho \"$@\" >>\"$SECUREML_ROOT/restarted\"\n")?;
        let python = "home/ec2-user/anaconda3/envs/python3/bin/python";
        program(
            &format!("../{python}"),
            "#!/bin/bash\nprintf '%s\\n' \"$@\" >\"$SECUREML_ROOT/installed\"\n",
        )?;
        let metadata = json!({"ResourceArn": arn, "ResourceName": name});
        notebook.write("opt/ml/metadata/resource-metadata.json", &metadata)?;
        let described = json!({"NotebookInstanceName": name, "RoleArn": role});
        notebook.write("answers/describe-notebook-instance.json", &described)?;
        notebook.write("answers/list-tags.json", tags)?;
        notebook.write("answers/get-parameters.json", parameters)?;
        Ok(notebook)
    }

    fn parameters() -> Value {
        let values = [
            ("ds-subnet-c-churn-dev-id", "subnet-c"),
            ("ds-subnet-a-churn-dev-id", "subnet-a"),
            ("ds-subnet-b-churn-dev-id", "subnet-b"),
            ("ds-vpc-churn-dev-id", "vpc-1"),
            ("ds-sagemaker-sg-churn-dev-id", "sg-1"),
            ("ds-kms-cmk-churn-dev-arn", KEY),
            ("ds-s3-data-bucket-churn-dev", "ds-data-bucket-churn-dev-0a"),
            ("ds-s3-model-artifact-bucket-churn-dev", "ds-model-bucket-churn-dev-0a"),
        ];
        let parameter = |(name, value): (&str, &str)| json!({"Name": name, "Value": value});
        json!({"Parameters": values.map(parameter), "InvalidParameters": []})
    }

    /// Where `path` is really.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    fn write(&self, path: &str, value: &Value) -> Result<()> {
        let path = self.path(path);
        fs::create_dir_all(path.parent().context("a parent")?)?;
        Ok(fs::write(path, value.to_string())?)
    }

    fn read(&self, path: &str) -> Result<String> {
        let path = self.path(path);
        fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))
    }

    /// Starts, with the little environment that SageMaker gives.
    pub fn start(&self, script: &str) -> Result<Output> {
        let file = self.path("on_start");
        fs::write(&file, script)?;
        let path = format!("{}:/sbin:bin:/usr/sbin:/usr/bin", self.path("programs").display());
        let mut command = Command::new("/bin/bash");
        command.arg(file).env_clear().env("PATH", path);
        command
            .env("SECUREML_ROOT", self.directory.path())
            .env("SECUREML_PAUSE", "0");
        Ok(command.current_dir(self.directory.path()).output()?)
    }

    /// What was written, as a notebook reads it.
    fn defaults(&self, tools: &Path) -> Result<Value> {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rig/notebook/defaults.py");
        let mut command = Command::new(tools.join("bin/python"));
        let output = command.arg(program).arg(self.directory.path()).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// What was written, whether or not the SDK would take it.
    fn written(&self, tools: &Path) -> Result<Value> {
        let program = "import json, runpy, sys, yaml\n\
            names = runpy.run_path(sys.argv[1] + '/home/ec2-user/.ipython/sagemaker_environment.py')\n\
            environment = {name: value for name, value in names.items() if name.startswith('SAGEMAKER')}\n\
            config = yaml.safe_load(open(sys.argv[1] + '/etc/xdg/sagemaker/config.yaml'))\n\
            print(json.dumps({'environment': environment, 'config': config}))";
        let mut command = Command::new(tools.join("bin/python"));
        let output = command.args(["-c", program]).arg(self.directory.path()).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn git(&self, name: &str) -> Result<String> {
        let mut command = Command::new("git");
        let output = command
            .args(["config", "--file"])
            .arg(self.path("etc/gitconfig"))
            .arg(name)
            .output()?;
        Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
    }
}

/// What a program wrote.
pub fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

#[test]
fn the_script_passes_a_linter() -> Result<()> {
    let tools = secureml_rig::notebook_tools()?;
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("on_start.sh");
    for script in [script(|_| {})?, script(with_mirror)?] {
        fs::write(&file, script)?;
        let parsed = Command::new("bash").arg("-n").arg(&file).output()?;
        assert!(parsed.status.success(), "{}", said(&parsed));
        let mut linter = Command::new(tools.join("bin/shellcheck"));
        let linted = linter
            .args(["--shell=bash", "--enable=all", NOT_FAULTS])
            .arg(&file)
            .output()?;
        assert!(linted.status.success(), "{}", said(&linted));
    }
    Ok(())
}

#[test]
fn a_notebook_starts_with_everything_written() -> Result<()> {
    let tools = secureml_rig::notebook_tools()?;
    let notebook = Notebook::new()?;
    let script = script(with_mirror)?;
    let output = notebook.start(&script)?;
    assert!(output.status.success(), "{}", said(&output));
    let defaults = notebook.defaults(&tools)?;
    let environment = json!({
        "SAGEMAKER_VPC": "vpc-1",
        "SAGEMAKER_SUBNETS": ["subnet-a", "subnet-b", "subnet-c"],
        "SAGEMAKER_SECURITY_GROUPS": ["sg-1"],
        "SAGEMAKER_KMS_KEY_ID": KEY,
        "SAGEMAKER_DATA_BUCKET": "ds-data-bucket-churn-dev-0a",
        "SAGEMAKER_MODEL_BUCKET": "ds-model-bucket-churn-dev-0a",
    });
    assert_eq!(defaults["environment"], environment);
    let training = json!({
        "EnableInterContainerTrafficEncryption": true,
        "EnableNetworkIsolation": false,
        "OutputDataConfig": {"KmsKeyId": KEY},
        "ResourceConfig": {"VolumeKmsKeyId": KEY},
        "RoleArn": ROLE,
        "Tags": [{"Key": "ProjectName", "Value": "churn"}, {"Key": "EnvironmentType", "Value": "dev"}],
        "VpcConfig": {"Subnets": ["subnet-a", "subnet-b", "subnet-c"], "SecurityGroupIds": ["sg-1"]},
    });
    assert_eq!(defaults["config"]["SageMaker"]["TrainingJob"], training);
    let session = &defaults["config"]["SageMaker"]["PythonSDK"]["Modules"]["Session"];
    assert_eq!(session["DefaultS3Bucket"], "ds-data-bucket-churn-dev-0a");
    assert_eq!(
        defaults["pip"]["global"]["index-url"],
        format!("https://{MIRROR}/simple/")
    );
    assert_eq!(notebook.git("user.name")?, OWNER);
    assert_eq!(notebook.git("user.email")?, "ada@example.com");
    assert_eq!(notebook.read("restarted")?, "restart --no-block jupyter-server\n");
    let installed = notebook.read("installed")?;
    let packages: Vec<&str> = installed.lines().skip_while(|word| *word != "--").skip(1).collect();
    assert_eq!(packages, ["pandas==2.2.3", "xgboost"]);
    let mode = fs::metadata(notebook.path("etc/xdg/sagemaker/config.yaml"))?
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);

    // A second start finds everything as it is to be.
    let before = notebook.read("etc/xdg/sagemaker/config.yaml")?;
    assert!(notebook.start(&script)?.status.success());
    assert_eq!(notebook.read("etc/xdg/sagemaker/config.yaml")?, before);
    assert_eq!(notebook.git("user.name")?, OWNER);
    Ok(())
}

#[test]
fn the_strict_preset_isolates_jobs() -> Result<()> {
    let tools = secureml_rig::notebook_tools()?;
    let notebook = Notebook::new()?;
    let strict = script(|spec| {
        spec.guardrails = Guardrails {
            preset: Preset::Strict,
            ..Guardrails::default()
        }
    })?;
    let output = notebook.start(&strict)?;
    assert!(output.status.success(), "{}", said(&output));
    let defaults = notebook.defaults(&tools)?;
    let sagemaker = &defaults["config"]["SageMaker"];
    assert_eq!(sagemaker["TrainingJob"]["EnableNetworkIsolation"], true);
    assert_eq!(sagemaker["Model"]["EnableNetworkIsolation"], true);
    assert_eq!(defaults["pip"], json!({}), "without a mirror pip is left as it is");
    Ok(())
}

#[test]
fn without_its_defaults_a_notebook_does_not_start() -> Result<()> {
    let script = script(|_| {})?;
    for lost in ["describe-notebook-instance", "get-parameters"] {
        let notebook = Notebook::new()?;
        fs::remove_file(notebook.path(&format!("answers/{lost}.json")))?;
        let output = notebook.start(&script)?;
        assert!(!output.status.success(), "{lost}");
        assert!(
            said(&output).contains(&format!("{lost} (attempt 3)")),
            "{}",
            said(&output)
        );
        assert!(!notebook.path("etc/xdg/sagemaker/config.yaml").exists());
    }
    let notebook = Notebook::new()?;
    let mut parameters = Notebook::parameters();
    parameters["Parameters"].as_array_mut().context("a list")?.remove(0);
    notebook.write("answers/get-parameters.json", &parameters)?;
    let output = notebook.start(&script)?;
    assert!(!output.status.success());
    assert!(said(&output).contains("no such SSM parameters: ds-subnet-c-churn-dev-id"));
    Ok(())
}

#[test]
fn without_comforts_it_starts_and_says_so() -> Result<()> {
    let script = script(with_mirror)?;
    let notebook = Notebook::new()?;
    fs::remove_file(notebook.path("answers/list-tags.json"))?;
    fs::remove_dir_all(notebook.path("home/ec2-user/anaconda3"))?;
    fs::write(notebook.path("programs/systemctl"), "#!/bin/bash\nexit 1\n")?;
    let output = notebook.start(&script)?;
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("git does not know who the notebook's owner is"));
    assert!(said(&output).contains("not installed: pandas==2.2.3 xgboost"));
    assert!(said(&output).contains("Jupyter could not be restarted"));
    assert!(notebook.path("etc/xdg/sagemaker/config.yaml").exists());
    Ok(())
}

/// What AWS answers is data as well, whoever wrote it there.
#[test]
fn whatever_aws_answers_is_data() -> Result<()> {
    let tools = secureml_rig::notebook_tools()?;
    let hostile = [
        "'; touch \"$SECUREML_ROOT/ran\"; '",
        "$(touch \"$SECUREML_ROOT/ran\")",
        "`touch \"$SECUREML_ROOT/ran\"`",
        "\"; touch ran; \"",
        "--global",
        "${aws:username} $x ${x} $$",
        "' + __import__('os').mkdir('ran') + '",
        "{{x}} {0} %s %(x)s",
        "a: [b, c] # d",
        "\u{202e}gnp.exe 名前",
        "x\\",
    ];
    let script = script(with_mirror)?;
    for value in hostile {
        let tags = json!({"Tags": [
            {"Key": "NotebookOwnerUsername", "Value": value},
            {"Key": "NotebookOwnerEmail", "Value": value},
        ]});
        let mut parameters = Notebook::parameters();
        for parameter in parameters["Parameters"].as_array_mut().into_iter().flatten() {
            parameter["Value"] = json!(value);
        }
        let notebook = Notebook::answered(ARN, ROLE, &tags, &parameters)?;
        let output = notebook.start(&script)?;
        assert!(output.status.success(), "{value}: {}", said(&output));
        assert_eq!(notebook.git("user.name")?, value);
        assert_eq!(notebook.git("user.email")?, value);
        let written = notebook.written(&tools)?;
        assert_eq!(written["environment"]["SAGEMAKER_DATA_BUCKET"], value);
        assert_eq!(
            written["environment"]["SAGEMAKER_SUBNETS"],
            json!([value, value, value])
        );
        let training = &written["config"]["SageMaker"]["TrainingJob"];
        assert_eq!(training["OutputDataConfig"]["KmsKeyId"], value);
        assert_eq!(training["VpcConfig"]["SecurityGroupIds"], json!([value]));
        assert!(!notebook.path("ran").exists(), "{value} was run");
    }
    Ok(())
}

/// Pieces that mean something to a shell, to git, to JSON or to a terminal.
const PIECES: &[&str] = &[
    "\n",
    "\r",
    "\t",
    " ",
    "'",
    "\"",
    "\\",
    "`",
    "$(",
    ")",
    "${IFS}",
    ";",
    "&",
    "|",
    ">",
    "<",
    "*",
    "#",
    "--",
    "-o",
    "=",
    "[core]",
    "touch ran",
    "touch \"$SECUREML_ROOT/ran\"",
    "\u{202e}",
    "é",
    "@",
    "a",
];

/// The names of an owner that nobody should have.
fn hostile() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The names come from tags, which whoever may tag the notebook can write.
    #[test]
    fn an_owner_is_data_whatever_the_name(name in hostile(), email in hostile()) {
        let tags = json!({"Tags": [
            {"Key": "NotebookOwnerUsername", "Value": name},
            {"Key": "NotebookOwnerEmail", "Value": email},
        ]});
        let run = || -> Result<()> {
            let files = |notebook: &Notebook| -> Result<BTreeSet<String>> {
                let found = fs::read_dir(notebook.path("."))?;
                Ok(found.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
            };
            let script = script(|_| {})?;
            let plain = Notebook::new()?;
            plain.start(&script)?;
            let notebook = Notebook::answered(ARN, ROLE, &tags, &Notebook::parameters())?;
            let output = notebook.start(&script)?;
            ensure!(output.status.success(), "{}", said(&output));
            ensure!(files(&notebook)? == files(&plain)?, "something ran: {:?}", files(&notebook)?);
            // A shell loses the line ends behind what a program says, and git white space around it.
            ensure!(notebook.git("user.name")?.trim() == name.trim(), "{:?}", notebook.git("user.name")?);
            ensure!(notebook.git("user.email")?.trim() == email.trim(), "{:?}", notebook.git("user.email")?);
            let config = notebook.path("etc/gitconfig");
            let listed = Command::new("git").args(["config", "--name-only", "--list", "--file"]).arg(config).output()?;
            ensure!(said(&listed) == "user.name\nuser.email\n", "{}", said(&listed));
            Ok(())
        };
        prop_assert!(run().is_ok(), "{:?}", run());
    }
}
