//! Patterns of policies: `*` stands for any characters, `?` for one, `${key}` for what the request says.

/// Whether `text` matches `pattern`, whatever the case; of actions.
pub fn matches(pattern: &str, text: &str) -> bool {
    Pattern::plain(pattern).matches(text, |a, b| a.eq_ignore_ascii_case(&b))
}

/// A pattern, read.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Token>);

#[derive(Clone, Copy, Debug)]
enum Token {
    Any,
    One,
    Exactly(char),
}

impl Pattern {
    /// A pattern in which `$` has no meaning.
    pub(super) fn plain(text: &str) -> Self {
        Self(text.chars().map(token).collect())
    }

    /// Only `text` itself.
    pub(super) fn literal(text: &str) -> Self {
        Self(text.chars().map(Token::Exactly).collect())
    }

    /// A pattern with variables, which `value` knows. What stands for a variable has no wildcards. None when one is not
    /// known and has no default: such a pattern matches nothing.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
    pub(super) fn with(text: &str, wildcards: bool, value: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let read = |text: &str| {
            if wildcards {
                Self::plain(text)
            } else {
                Self::literal(text)
            }
        };
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                break;
            };
            tokens.extend(read(&rest[..start]).0);
            let name = &rest[start + 2..start + length];
            let known = match name {
                "*" | "?" | "$" => name.to_owned(),
                _ => variable(name, &value)?,
            };
            tokens.extend(Self::literal(&known).0);
            rest = &rest[start + length + 1..];
        }
        tokens.extend(read(rest).0);
        Some(Self(tokens))
    }

    /// Whether `text` matches, character by character as `same` says. Takes time in proportion to both lengths: a
    /// pattern may be somebody else's.
    pub(super) fn matches(&self, text: &str, same: impl Fn(char, char) -> bool) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut next) = (0, 0);
        // Where to go on when what followed the last `*` did not match after all.
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(next) {
                Some(Token::Any) => {
                    next += 1;
                    retry = Some((next, at));
                    continue;
                }
                Some(Token::One) => {
                    at += 1;
                    next += 1;
                    continue;
                }
                Some(Token::Exactly(wanted)) if same(*wanted, text[at]) => {
                    at += 1;
                    next += 1;
                    continue;
                }
                _ => {}
            }
            let Some((after, from)) = retry else {
                return false;
            };
            retry = Some((after, from + 1));
            (next, at) = (after, from + 1);
        }
        self.0[next..].iter().all(|token| matches!(token, Token::Any))
    }

    /// Whether the ARN `text` matches, part by part: no wildcard reaches over a colon before the resource's own part. A
    /// pattern that ends early in a wildcard leaves the other parts open.
    pub(super) fn matches_arn(&self, text: &str) -> bool {
        let wanted = self.parts();
        let parts: Vec<&str> = text.splitn(ARN_PARTS, ':').collect();
        let open = wanted.len() < ARN_PARTS
            && wanted
                .last()
                .is_some_and(|last| matches!(last.0.last(), Some(Token::Any)));
        let fits = wanted
            .iter()
            .zip(&parts)
            .all(|(wanted, part)| wanted.matches(part, |a, b| a == b));
        fits && (wanted.len() == parts.len() || open)
    }

    /// The parts between colons, the last with all the rest.
    fn parts(&self) -> Vec<Self> {
        let mut found = vec![Self(Vec::new())];
        for &token in &self.0 {
            if matches!(token, Token::Exactly(':')) && found.len() < ARN_PARTS {
                found.push(Self(Vec::new()));
            } else if let Some(last) = found.last_mut() {
                last.0.push(token);
            }
        }
        found
    }
}

/// `arn`, partition, service, region, account, resource.
const ARN_PARTS: usize = 6;

fn token(character: char) -> Token {
    match character {
        '*' => Token::Any,
        '?' => Token::One,
        _ => Token::Exactly(character),
    }
}

/// `key`, or `key, 'default'`.
fn variable(name: &str, value: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (
            key,
            default
                .trim()
                .strip_prefix('\'')
                .and_then(|text| text.strip_suffix('\'')),
        ),
        None => (name, None),
    };
    value(key.trim()).or_else(|| default.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_match_as_iam_matches() {
        assert!(matches("sagemaker:Create*", "sagemaker:CreateModel"));
        assert!(matches("SAGEMAKER:create?odel", "sagemaker:CreateModel"));
        assert!(matches(
            "ec2:*teNetworkInterface*",
            "ec2:CreateNetworkInterfacePermission"
        ));
        assert!(!matches("sagemaker:Create", "sagemaker:CreateModel"));
        assert!(!matches("*x", "sagemaker:CreateModel"));
    }

    #[test]
    fn arns_match_part_by_part() {
        let matches = |pattern: &str, text: &str| Pattern::plain(pattern).matches_arn(text);
        let role = "arn:aws:iam::111122223333:role/path/name";
        assert!(matches("*", role) && matches("arn:aws:*", role));
        assert!(matches("arn:aws:iam::*:role/*", role));
        assert!(!matches("arn:aws:iam::role/path/name", role));
        assert!(!matches("arn:aws:iam:*", "arn:aws:s3:::bucket"));
        assert!(matches(
            "arn:aws:logs:*:*:log-group:name:*",
            "arn:aws:logs:r:1:log-group:name:log-stream:s"
        ));
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer() {
        let pattern = "*a".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199)));
        assert!(matches(&pattern, &"a".repeat(200)));
    }

    #[test]
    fn a_variable_is_what_the_request_says_and_nothing_more() {
        let known = |key: &str| (key == "aws:username").then(|| "a*".to_owned());
        let matches = |pattern: &str, text: &str| {
            Pattern::with(pattern, true, known).is_some_and(|pattern| pattern.matches(text, |a, b| a == b))
        };
        assert!(matches("home/${aws:username}/*", "home/a*/file"));
        assert!(!matches("home/${aws:username}/*", "home/ab/file"));
        assert!(!matches("home/${aws:userid}/*", "home//file"));
        assert!(matches("home/${aws:userid, 'nobody'}", "home/nobody"));
        assert!(matches("a${*}b", "a*b") && !matches("a${*}b", "axb"));
    }
}
