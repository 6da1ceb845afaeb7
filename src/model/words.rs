//! What others say - AWS in its errors, the SDK, a proxy on the way - and what may be passed on of it.
//!
//! This is the one place that knows what credentials look like. Whatever comes from outside becomes [`Words`] before it
//! gets into a status, an event or a report; what is logged is passed through [`redact`] line by line.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::iter::successors;
use std::ops::Deref;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::{Deserialize, Serialize};

/// What stands in the place of what was taken out.
pub const REDACTED: &str = "[redacted]";

/// How many characters of somebody else's words are passed on.
const LONGEST: usize = 1500;

/// `number` of what is called `noun`, in its singular: `1 resource`, `2 resources`.
pub fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The same with the verb: `1 resource is`, `2 resources are`.
pub fn counted_are(number: usize, noun: &str) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", counted(number, noun))
}

/// `word` with its article: `a Vpc`, `an IamRole`.
pub fn with_article(word: &str) -> String {
    let vowel = word.starts_with(|first: char| "AEIOUaeiou".contains(first));
    format!("{} {word}", if vowel { "an" } else { "a" })
}

/// What somebody else said: on one line, without control characters, of bounded length, and without credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Words(String);

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        // First, so that nothing hides between the letters of a credential.
        let plain: String = text.chars().filter(|letter| !turns_text(*letter)).collect();
        let parts = plain.split(|letter: char| letter.is_whitespace() || letter.is_control());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let mut words = redact(&parts.join(" ")).into_owned();
        if let Some((end, _)) = words.char_indices().nth(LONGEST) {
            words.truncate(end);
            words.push('…');
        }
        Self(words)
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Words> for String {
    fn from(words: Words) -> Self {
        words.0
    }
}

impl Deref for Words {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Marks that change the direction of text, by which one thing can be made to look like another.
fn turns_text(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// What credentials look like. What stands in the first and the last group of a pattern stays.
const CREDENTIALS: &[&str] = &[
    // Private keys.
    r"()-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)()",
    // User and password in a URL.
    r#"(://)[^/?#\s"'<>@]+(@)"#,
    // Whatever has a name that says that it is secret: headers, JSON, XML, query strings, variables, Rust's debug output.
    concat!(
        r"(?i)((?:secret[_-]?(?:access[_-]?)?key|session[_-]?token|security[_-]?token|amz[_-]signature|amz[_-]credential",
        r"|access[_-]?key[_-]?id|auth(?:orization)?[_-]?token|access[_-]?token|refresh[_-]?token|id[_-]?token|identity[_-]?token",
        r"|client[_-]?secret|private[_-]?key|passw(?:or)?d|signature)",
        r#"(?:\\?["'])?(?:\s*[:=>]\s*|%3[dD])(?:\[\\?["']|(?:Some\()?(?:\\?["'])?))[^\s"'\\&<>,;)\]\[]+()"#
    ),
    // The header that signs a request, and that of a bearer.
    r#"(?i)(authorization(?:\\?["'])?\s*[:=]\s*(?:\[\\?["']|(?:Some\()?(?:\\?["'])?))(?:AWS4-[A-Z0-9-]+\s+[^"'\\\r\n<>]*|(?:Basic|Bearer|Negotiate)\s+[^\s"'\\<>]+|[^\s"'\\<>\[]+)()"#,
    r"(\bAWS4-HMAC-SHA256\s+)Credential=[^\s,]+(?:,\s*SignedHeaders=[^\s,]+)?(?:,\s*Signature=[0-9a-f]+)?()",
    r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}()",
    // Tokens that tell what they are: of web identities, of AWS sessions.
    r"()\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?()",
    r"()\b(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz|FQoDYXdz|AQoDYXdz)[A-Za-z0-9+/=%_-]+()",
    // The ids of access keys. Those of users and roles, AIDA and AROA, are no secret.
    r"()\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b()",
];

static PATTERNS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    CREDENTIALS
        .iter()
        .filter_map(|pattern| Regex::new(pattern).ok())
        .collect()
});

/// Forty letters of the alphabet that secret access keys are made of, by themselves.
static FORTY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[A-Za-z0-9+/]{40,}=*").ok());

/// `text` without the credentials in it.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for pattern in PATTERNS.iter() {
        text = replaced(text, pattern, |rest, found| {
            // What introduces something that was taken out already is not secret itself.
            let rest = rest.trim_start_matches(['"', '\'', '\\']);
            (!rest.starts_with(REDACTED)).then(|| format!("{}{REDACTED}{}", &found[1], &found[2]))
        });
    }
    match FORTY.as_ref() {
        Some(forty) => replaced(text, forty, |_, found| {
            is_secret_key(&found[0]).then(|| REDACTED.to_owned())
        }),
        None => text,
    }
}

/// `text` with what `instead` says, of what follows and what was found, in the place of what `pattern` finds.
fn replaced<'a>(
    text: Cow<'a, str>,
    pattern: &Regex,
    instead: impl Fn(&str, &Captures<'_>) -> Option<String>,
) -> Cow<'a, str> {
    let mut changed = String::new();
    let mut copied = 0;
    for found in pattern.captures_iter(&text) {
        let place = found.get_match();
        if let Some(other) = instead(&text[place.end()..], &found) {
            changed.push_str(&text[copied..place.start()]);
            changed.push_str(&other);
            copied = place.end();
        }
    }
    if copied == 0 {
        return text;
    }
    changed.push_str(&text[copied..]);
    Cow::Owned(changed)
}

/// What `error` comes from: its innermost cause, with the one around it for context. Those further out say the same of each
/// failure.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    let causes: Vec<String> = successors(Some(error), |&cause| cause.source())
        .map(ToString::to_string)
        .collect();
    match causes.as_slice() {
        [.., outer, inner] if !outer.contains(inner.as_str()) => format!("{outer}: {inner}"),
        [.., outer, _] => outer.clone(),
        [only] => only.clone(),
        [] => String::new(),
    }
}

/// Whether `word` may be a secret access key that nothing introduces. Digests are of one case, and paths begin with a slash.
fn is_secret_key(word: &str) -> bool {
    word.len() == 40
        && !word.starts_with('/')
        && [u8::is_ascii_lowercase, u8::is_ascii_uppercase, u8::is_ascii_digit]
            .iter()
            .all(|is| word.bytes().any(|byte| is(&byte)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const TOKEN: &str = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDQabc+def/ghi==";
    const SIGNATURE: &str = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

    /// The forms in which a credential may turn up; `{}` is where it stands.
    const FORMS: &[&str] = &[
        "x-amz-security-token: {}",
        "X-Amz-Security-Token={}&X-Amz-Expires=60",
        "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={}",
        "redirect=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3D{}",
        "<SecretAccessKey>{}</SecretAccessKey>",
        r#"{"SecretAccessKey":"{}","Expiration":"x"}"#,
        r#"{\"SessionToken\": \"{}\"}"#,
        r#"Credentials { secret_access_key: Some("{}"), expires: None }"#,
        "AWS_SECRET_ACCESS_KEY={}",
        "export AWS_SESSION_TOKEN='{}'",
        "aws_secret_access_key = {}",
        r#"headers: {"authorization": "Bearer {}"}"#,
        "Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature={}",
        "https://x.notebook.us-east-1.sagemaker.aws?authToken={}",
        "https://user:{}@git.example.com/r.git",
        "Authorization: Basic {}",
        "password: {}",
    ];

    #[test]
    fn one_is_no_plural() {
        assert_eq!(
            [0, 1, 2].map(|number| counted(number, "resource")),
            ["0 resources", "1 resource", "2 resources"]
        );
        assert_eq!(
            [1, 3].map(|number| counted_are(number, "control")),
            ["1 control is", "3 controls are"]
        );
        assert_eq!(["Vpc", "IamRole"].map(with_article), ["a Vpc", "an IamRole"]);
    }

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(PATTERNS.len(), CREDENTIALS.len());
        assert!(FORTY.is_some());
    }

    #[test]
    fn credentials_go_in_every_form() {
        for form in FORMS {
            for secret in ["c2VjcmV0LXZhbHVl", SIGNATURE, TOKEN, SECRET, "short-one"] {
                // A slash or more ends what may be a password in a URL.
                if form.contains("user:") && secret.contains('/') {
                    continue;
                }
                let said = form.replace("{}", secret);
                let redacted = redact(&said);
                assert!(!redacted.contains(secret), "{said}\n{redacted}");
                assert!(redacted.contains(REDACTED), "{redacted}");
            }
        }
        for bare in [
            KEY_ID,
            "ASIAIOSFODNN7EXAMPLE",
            SECRET,
            TOKEN,
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRw.c2lnbmF0dXJl",
        ] {
            let said = format!("the caller ({bare}) may not");
            assert_eq!(redact(&said), format!("the caller ({REDACTED}) may not"));
        }
        let key = "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b";
        assert_eq!(redact(key), format!("a {REDACTED} b"));
    }

    #[test]
    fn what_is_no_credential_stays() {
        for said in [
            "The security token included in the request is invalid",
            "The security token included in the request is expired",
            "User: arn:aws:sts::111122223333:assumed-role/secureml/AROAIOSFODNN7EXAMPLE is not authorized to perform: iam:PassRole",
            "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "digest aeeed9bbccd4d02ee5c0109b86d86835f995330d",
            "/aws/sagemaker/NotebookInstances/Abcdefg1/x",
            "https://sagemaker.us-east-1.amazonaws.com/?X-Amz-Expires=60",
            "Signature expired: 20260101T000000Z is now earlier than 20260101T001500Z",
            "ds-kms-cmk-churn-dev is the key; its policy: {\"Action\": \"kms:*\"}",
            "ana@example.com",
        ] {
            let kept = redact(said);
            assert_eq!(kept, said);
        }
    }

    #[test]
    fn words_are_one_short_line() {
        let said = Words::from("no\n  such\tthing\u{202e}: \u{1b}[31mgnp.exe\r\n");
        assert_eq!(&*said, "no such thing: [31mgnp.exe");
        assert_eq!(Words::from("x".repeat(LONGEST + 1)).chars().count(), LONGEST + 1);
        assert!(Words::from("x".repeat(LONGEST + 1)).ends_with('…'));
    }

    proptest! {
        #[test]
        fn what_is_redacted_stays_so(text in "(?s).{0,80}", form in prop::sample::select(FORMS), secret in "[A-Za-z0-9+/=_-]{8,60}") {
            let said = format!("{text} {} {text}", form.replace("{}", &secret));
            let once = redact(&said).into_owned();
            prop_assert_eq!(redact(&once), once.as_str());
            let words = Words::from(said);
            prop_assert_eq!(Words::from(&*words), words.clone());
            prop_assert!(!words.chars().any(char::is_control));
        }
    }
}
