//! Texts that patterns of policies stand for, and others that are nearly so.

use super::mutants::Neighbours;

/// The keys that variables of policies stand for.
pub const VARIABLES: &[&str] = &[
    "aws:PrincipalTag/Name",
    "aws:ResourceTag/NotebookOwnerUsername",
    "aws:username",
    "sts:RoleSessionName",
];

/// What requests say of the variable `key`: of each something else.
pub fn value_of(key: &str) -> String {
    key.replace([':', '/'], "-")
}

/// `pattern` with [`value_of`] in the place of variables.
pub fn concrete(pattern: &str) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        let (key, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(&value_of(key));
        rest = after;
    }
    text.push_str(rest);
    text.replace('?', "1")
}

/// A text that both patterns stand for.
pub fn common(one: &str, other: &str) -> Option<String> {
    let head = |text: &str| text.chars().next();
    match (head(one), head(other)) {
        (None, None) => Some(String::new()),
        (Some('*'), Some('*')) => {
            let after = common(&one[1..], other).or_else(|| common(one, &other[1..]))?;
            Some(format!("1{after}"))
        }
        (Some('*'), next) => common(&one[1..], other).or_else(|| {
            let next = next?;
            let after = common(one, &other[next.len_utf8()..])?;
            Some(format!("{next}{after}"))
        }),
        (_, Some('*')) => common(other, one),
        (Some(a), Some(b)) if a == b => {
            let after = common(&one[a.len_utf8()..], &other[a.len_utf8()..])?;
            Some(format!("{a}{after}"))
        }
        _ => None,
    }
}

/// `text` itself, in another case, longer at either end, and of the neighbour.
pub fn near(text: &str, neighbours: &Neighbours) -> Vec<String> {
    let other = |c: char| match c {
        c if c.is_lowercase() => c.to_ascii_uppercase(),
        c => c.to_ascii_lowercase(),
    };
    let swapped = text.chars().map(other).collect();
    let mut near = vec![text.to_owned(), swapped, format!("{text}x"), format!("x{text}")];
    near.extend(neighbours.translate(text));
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_patterns_have_a_text_in_common_or_none() {
        let log = common("log-group:/aws/sagemaker/*", "log-group:*:log-stream:*");
        let log = log.expect("a stream of the group");
        assert!(
            log.starts_with("log-group:/aws/sagemaker/") && log.contains(":log-stream:"),
            "{log}"
        );
        assert_eq!(common("a*", "a*b").as_deref(), Some("a1b"));
        assert_eq!(common("model/*", "endpoint/*"), None);
        assert_eq!(common("*", "*").as_deref(), Some("1"));
    }
}
