//! Short pages: a list comes in as many answers as it has items, and the first of them is empty.
//!
//! AWS may do so with any list that is asked for in pages, whatever size the caller would like. The emulator pages few
//! lists, so that the proxy cuts whole answers itself, and keeps what is left for those who come with its token.

use std::collections::HashMap;

use bytes::Bytes;
use hyper::Response;
use hyper::header::CONTENT_LENGTH;
use serde_json::{Value, json};

use super::request::Request;
use super::staleness::xml;

/// How a service is asked for pages and answers with them.
struct Style {
    service: &'static str,
    /// The parameter that asks for pages.
    size: &'static str,
    /// The parameter that asks for the next one.
    ask: &'static str,
    /// Where an answer tells what to ask for the next one with.
    token: &'static str,
    /// Where an answer says that there is a next one, if not by the token alone.
    more: Option<&'static str>,
    /// What an item is called in XML.
    item: &'static str,
}

const fn json(service: &'static str, size: &'static str, token: &'static str) -> Style {
    Style {
        service,
        size,
        ask: token,
        token,
        more: None,
        item: "",
    }
}

const STYLES: &[Style] = &[
    Style {
        service: "ec2",
        size: "MaxResults",
        ask: "NextToken",
        token: "nextToken",
        more: None,
        item: "item",
    },
    Style {
        service: "iam",
        size: "MaxItems",
        ask: "Marker",
        token: "Marker",
        more: Some("IsTruncated"),
        item: "member",
    },
    Style {
        service: "s3",
        size: "max-buckets",
        ask: "continuation-token",
        token: "ContinuationToken",
        more: None,
        item: "Bucket",
    },
    Style {
        token: "NextMarker",
        more: Some("Truncated"),
        ..json("kms", "Limit", "Marker")
    },
    json("ssm", "MaxResults", "NextToken"),
    json("sagemaker", "MaxResults", "NextToken"),
    json("logs", "limit", "nextToken"),
    json("tagging", "ResourcesPerPage", "PaginationToken"),
];

/// What is left of lists that were not read to their end.
#[derive(Debug, Default)]
pub(super) struct Pages {
    made: usize,
    rests: HashMap<String, Rest>,
}

#[derive(Clone, Debug)]
struct Rest {
    whole: Response<Bytes>,
    /// How many items were on the pages before.
    from: usize,
    size: usize,
}

impl Pages {
    /// The first page of a list: it is empty, and those after it have `size` items. Anything else is left as it is.
    pub(super) fn begin(&mut self, request: &Request, size: usize, response: Response<Bytes>) -> Response<Bytes> {
        let Some(style) = style(request).filter(|_| response.status().is_success()) else {
            return response;
        };
        let rest = Rest {
            whole: response.clone(),
            from: 0,
            size,
        };
        let Some((page, _)) = style.page(request, &response, 0..0) else {
            return response;
        };
        self.with_token(style, request, page, rest)
    }

    /// The page that is asked for with a token from here.
    pub(super) fn next(&mut self, request: &Request) -> Option<Response<Bytes>> {
        let style = style(request)?;
        // A token is good more than once: a caller that lost the answer asks again.
        let rest = self.rests.get(&parameter(request, style.ask)?)?.clone();
        let to = rest.from + rest.size;
        let (page, all) = style.page(request, &rest.whole, rest.from..to)?;
        if to >= all {
            return Some(page);
        }
        Some(self.with_token(style, request, page, Rest { from: to, ..rest }))
    }

    fn with_token(&mut self, style: &Style, request: &Request, page: Response<Bytes>, rest: Rest) -> Response<Bytes> {
        self.made += 1;
        let token = format!("page-{}", self.made);
        let page = style.with_token(request, page, &token);
        self.rests.insert(token, rest);
        page
    }
}

/// How the list that `request` asks for comes in pages; nothing if it is none, or is wanted whole.
fn style(request: &Request) -> Option<&'static Style> {
    let style = STYLES.iter().find(|style| style.service == request.operation.service)?;
    (!request.is_mutating() && parameter(request, style.size).is_some()).then_some(style)
}

/// A parameter of a request; in S3 they are in its query.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let query = request.head.uri.query().unwrap_or_default();
    let mut fields = super::operation::fields(query);
    let asked = || fields.find(|(field, _)| field == name).map(|(_, value)| value);
    request.param(name).or_else(asked)
}

impl Style {
    /// An answer with only those of its items, and how many it has.
    fn page(
        &self,
        request: &Request,
        whole: &Response<Bytes>,
        wanted: std::ops::Range<usize>,
    ) -> Option<(Response<Bytes>, usize)> {
        let text = std::str::from_utf8(whole.body()).ok()?;
        let mut all = 0;
        let mut is_wanted = || {
            all += 1;
            wanted.contains(&(all - 1))
        };
        let body = if request.operation.protocol.is_json() {
            let mut value: Value = serde_json::from_str(text).ok()?;
            for items in value.as_object_mut()?.values_mut().filter_map(Value::as_array_mut) {
                items.retain(|_| is_wanted());
            }
            value.to_string()
        } else {
            xml::retain(text, self.item, |_| is_wanted())
        };
        Some((with_body(whole.clone(), body), all))
    }

    /// The same answer, with a token for the next page.
    fn with_token(&self, request: &Request, page: Response<Bytes>, token: &str) -> Response<Bytes> {
        let text = String::from_utf8_lossy(page.body()).into_owned();
        let body = if request.operation.protocol.is_json() {
            let mut value: Value = serde_json::from_str(&text).unwrap_or_default();
            value[self.token] = json!(token);
            if let Some(more) = self.more {
                value[more] = json!(true);
            }
            value.to_string()
        } else {
            let mut told = format!("<{0}>{token}</{0}>", self.token);
            let mut rest = xml::retain(&text, self.token, |_| false);
            if let Some(more) = self.more {
                told += &format!("<{more}>true</{more}>");
                rest = xml::retain(&rest, more, |_| false);
            }
            // IAM answers with a result within a response, the others with a response alone.
            let inner = rest.find(&format!("</{}Result>", request.operation.name));
            let at = inner.or_else(|| rest.rfind("</")).unwrap_or(rest.len());
            rest.insert_str(at, &told);
            rest
        };
        with_body(page, body)
    }
}

fn with_body(mut response: Response<Bytes>, body: String) -> Response<Bytes> {
    *response.body_mut() = Bytes::from(body);
    response.headers_mut().remove(CONTENT_LENGTH);
    response
}

#[cfg(test)]
mod tests {
    use super::super::request::made;
    use super::*;

    /// The pages of `whole`, asked for as `ask` tells, given the token of the page before.
    fn pages(size: usize, whole: &str, token: &str, ask: impl Fn(Option<&str>) -> Request) -> Vec<String> {
        let mut pages = Pages::default();
        let mut page = pages.begin(&ask(None), size, Response::new(Bytes::from(whole.to_owned())));
        let mut all = Vec::new();
        loop {
            let text = String::from_utf8_lossy(page.body()).into_owned();
            let next = super::super::wire::element(&text, token).or_else(|| {
                let value: Value = serde_json::from_str(&text).ok()?;
                Some(value.get(token)?.as_str()?.to_owned())
            });
            all.push(text);
            match next {
                Some(next) => page = pages.next(&ask(Some(&next))).expect("a page"),
                None => return all,
            }
        }
    }

    fn form(action: &str, size: &str, ask: &str, token: Option<&str>) -> String {
        let token = token.map(|token| format!("&{ask}={token}")).unwrap_or_default();
        format!("Action={action}&{size}=1000{token}")
    }

    #[test]
    fn the_first_page_is_empty_and_the_others_are_short() {
        let item = |id: &str| format!("<item><tagSet><item><key>a</key></item></tagSet><vpcId>{id}</vpcId></item>");
        let answer = |items: &str| format!("<DescribeVpcsResponse><vpcSet>{items}</vpcSet></DescribeVpcsResponse>");
        let whole = answer(&[item("1"), item("2"), item("3")].concat());
        let ask = |token: Option<&str>| made::query("ec2", &form("DescribeVpcs", "MaxResults", "NextToken", token));
        let with =
            |items: &str, token: &str| answer(items).replace("</D", &format!("<nextToken>{token}</nextToken></D"));
        let expected = [
            with("", "page-1"),
            with(&(item("1") + &item("2")), "page-2"),
            answer(&item("3")),
        ];
        assert_eq!(pages(2, &whole, "nextToken", ask), expected);
    }

    #[test]
    fn markers_and_flags_are_told_where_the_service_has_them() {
        let whole = "<ListRolesResponse><ListRolesResult><Roles><member>1</member><member>2</member></Roles>\
                     <IsTruncated>false</IsTruncated></ListRolesResult></ListRolesResponse>";
        let ask = |token: Option<&str>| made::query("iam", &form("ListRoles", "MaxItems", "Marker", token));
        let found = pages(1, whole, "Marker", ask);
        assert_eq!(found.len(), 3);
        assert_eq!(
            found[1],
            "<ListRolesResponse><ListRolesResult><Roles><member>1</member></Roles><Marker>page-2</Marker>\
             <IsTruncated>true</IsTruncated></ListRolesResult></ListRolesResponse>"
        );
        assert!(found[2].contains("<member>2</member>") && found[2].contains("<IsTruncated>false<"));

        let ask = |token: Option<&str>| {
            let body = json!({"Limit": 100, "Marker": token}).to_string();
            made::json("kms", "TrentService.ListAliases", &body)
        };
        let found = pages(
            1,
            r#"{"Aliases":[{"AliasName":"a"}],"Truncated":false}"#,
            "NextMarker",
            ask,
        );
        assert_eq!(
            found,
            [
                r#"{"Aliases":[],"NextMarker":"page-1","Truncated":true}"#,
                r#"{"Aliases":[{"AliasName":"a"}],"Truncated":false}"#
            ]
        );
    }

    #[test]
    fn buckets_are_asked_for_in_the_query() {
        let whole = "<R><Buckets><Bucket><Name>a</Name></Bucket><Bucket><Name>b</Name></Bucket></Buckets></R>";
        let ask = |token: Option<&str>| {
            let token = token
                .map(|token| format!("&continuation-token={token}"))
                .unwrap_or_default();
            made::s3("GET", &format!("/?max-buckets=1000{token}"))
        };
        assert_eq!(pages(1, whole, "ContinuationToken", ask).len(), 3);
    }

    #[test]
    fn the_last_page_has_the_token_that_aws_gave() {
        let mut pages = Pages::default();
        let ask = |token: &str| {
            made::json(
                "ssm",
                "AmazonSSM.DescribeParameters",
                &format!(r#"{{"MaxResults":50,"NextToken":"{token}"}}"#),
            )
        };
        let whole = r#"{"NextToken":"more","Parameters":[1]}"#;
        pages.begin(&ask(""), 1, Response::new(Bytes::from(whole)));
        let last = pages.next(&ask("page-1")).expect("a page");
        assert_eq!(last.body(), whole);
        assert!(pages.next(&ask("more")).is_none(), "that is AWS's");
    }

    #[test]
    fn what_is_wanted_whole_stays_whole() {
        let whole = "<vpcSet><item><vpcId>1</vpcId></item></vpcSet>";
        for request in ["Action=DescribeVpcs", "Action=CreateVpc&MaxResults=5"] {
            let answer = Response::new(Bytes::from(whole));
            let answer = Pages::default().begin(&made::query("ec2", request), 1, answer);
            assert_eq!(answer.body(), whole, "{request}");
        }
    }
}
