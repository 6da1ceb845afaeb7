//! Takes entries out of XML lists, without a parser's weight: AWS's answers have no comments and no CDATA.

/// The text without those outermost `<item>` elements whose own `<key>` is hidden.
pub(super) fn without(xml: &str, item: &str, key: &str, hidden: &dyn Fn(&str) -> bool) -> String {
    retain(xml, item, |element| !child(element, key).is_some_and(hidden))
}

/// The text with only those of its outermost `<item>` elements that are wanted.
pub(crate) fn retain(xml: &str, item: &str, mut wanted: impl FnMut(&str) -> bool) -> String {
    let mut kept = String::with_capacity(xml.len());
    let mut rest = xml;
    while let Some((start, end)) = outermost(rest, item) {
        let element = &rest[start..end];
        kept.push_str(&rest[..start]);
        if wanted(element) {
            kept.push_str(element);
        }
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

/// A tag: where it begins and ends, its name, and whether it opens or closes an element.
struct Tag<'a> {
    start: usize,
    end: usize,
    name: &'a str,
    step: i32,
}

fn tags(xml: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + xml[at..].find('<')?;
        let end = start + xml[start..].find('>')? + 1;
        at = end;
        let inner = &xml[start + 1..end - 1];
        let step = match inner.as_bytes() {
            [b'/', ..] => -1,
            [b'?' | b'!', ..] | [.., b'/'] => 0,
            _ => 1,
        };
        let name = inner.trim_matches('/').split_whitespace().next().unwrap_or_default();
        Some(Tag { start, end, name, step })
    })
}

/// Start and end of the first element of this name, with what is nested in it.
fn outermost(xml: &str, name: &str) -> Option<(usize, usize)> {
    let mut open = tags(xml).filter(|tag| tag.name == name && tag.step != 0);
    let first = open.next()?;
    let mut depth = first.step;
    for tag in open {
        depth += tag.step;
        if depth == 0 {
            return Some((first.start, tag.end));
        }
    }
    None
}

/// The text of an element's child of this name, not of a grandchild.
fn child<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let mut depth = 0;
    let mut from = None;
    for tag in tags(element) {
        if let Some(from) = from {
            return Some(&element[from..tag.start]);
        }
        if depth == 1 && tag.step == 1 && tag.name == name {
            from = Some(tag.end);
        }
        depth += tag.step;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_go_by_their_own_key_only() {
        let subnet =
            "<item><tagSet><item><key>a</key></item></tagSet><vpcId>vpc-1</vpcId><subnetId>s-1</subnetId></item>";
        let other = "<item><tagSet/><peer><subnetId>s-1</subnetId></peer><subnetId>s-2</subnetId></item>";
        let xml = format!("<?xml version=\"1.0\"?><r xmlns=\"u\"><subnetSet>{subnet}\n{other}</subnetSet></r>");
        let left = without(&xml, "item", "subnetId", &|id| id == "s-1");
        assert_eq!(
            left,
            format!("<?xml version=\"1.0\"?><r xmlns=\"u\"><subnetSet>\n{other}</subnetSet></r>")
        );
        assert_eq!(without(&xml, "item", "subnetId", &|_| false), xml);
    }

    #[test]
    fn broken_text_is_left_alone() {
        for xml in ["", "no xml", "<item><a>", "</item>", "<item"] {
            assert_eq!(without(xml, "item", "a", &|_| true), xml);
        }
    }
}
