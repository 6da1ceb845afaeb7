//! Old versions: what was changed or deleted is read, for a while, as it was before.
//!
//! An answer is remembered for each question that somebody asked. It was true until the first write to something that it
//! names; for so long as the window lasts after that write it may be given again, in the place of the truth. Nobody is
//! so answered what was no longer true one window ago, and what nobody has read is never older than the truth.
//! Writes that do not come through the proxy are not known.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use serde_json::Value;

use super::super::operation::decode;
use super::super::request::Request;

/// Names as short as this stand in too much: `tcp`, `dev`, a number.
const SHORT: usize = 4;

/// Who one is, and messages: each is given once.
const WITHOUT_RESOURCES: [&str; 2] = ["sts", "sqs"];

/// Fields that name nothing begin so: which version of the interface is spoken, what is asked, tags.
const NAMELESS: [&str; 3] = ["version", "action", "tag"];

/// What was answered, and what was written since.
#[derive(Clone, Debug)]
pub(super) struct Versions {
    window: Duration,
    answers: HashMap<Question, Answer>,
    /// The writes of the last window, for answers that were under way meanwhile.
    writes: Vec<Write>,
}

/// What was asked, to the letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    account: String,
    region: String,
    service: String,
    operation: String,
    uri: String,
    body: Bytes,
}

#[derive(Clone, Debug)]
struct Answer {
    /// What was asked about.
    names: Vec<String>,
    response: Response<Bytes>,
    /// When it ceased to be true.
    outdated: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Write {
    account: String,
    service: String,
    /// What the request speaks of.
    names: Vec<String>,
    at: Duration,
}

impl Versions {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window,
            answers: HashMap::new(),
            writes: Vec::new(),
        }
    }

    /// The answer of before a write, where one may still be given.
    pub(super) fn recall(&self, request: &Request, account: &str, now: Duration) -> Option<Response<Bytes>> {
        let answer = self.answers.get(&Question::of(request, account)?)?;
        let outdated = answer.outdated?;
        (now < outdated + self.window).then(|| answer.response.clone())
    }

    /// Takes note of a read that was asked at `asked` and has been answered now.
    pub(super) fn answered(&mut self, request: &Request, account: &str, asked: Duration, response: &Response<Bytes>) {
        let Some(question) = Question::of(request, account) else {
            return;
        };
        let mut answer = Answer {
            names: names(request),
            response: response.clone(),
            outdated: None,
        };
        let meanwhile = self.writes.iter().filter(|write| write.at >= asked);
        let touching = meanwhile.filter(|write| write.touches(&question, &answer));
        answer.outdated = touching.map(|write| write.at).min();
        self.answers.insert(question, answer);
    }

    /// Takes note of a write that has been carried out now.
    pub(super) fn written(&mut self, request: &Request, account: &str, now: Duration) {
        let write = Write {
            account: account.to_owned(),
            service: request.operation.service.clone(),
            names: names(request),
            at: now,
        };
        // The window of what is outdated longer is over: it is of no more use.
        let window = self.window;
        self.answers
            .retain(|_, answer| answer.outdated.is_none_or(|at| now < at + window));
        for (question, answer) in self.answers.iter_mut().filter(|(_, answer)| answer.outdated.is_none()) {
            if write.touches(question, answer) {
                answer.outdated = Some(now);
            }
        }
        self.writes.retain(|earlier| now < earlier.at + window);
        self.writes.push(write);
    }
}

impl Question {
    /// Nothing for a write, and for what tells of no resource.
    fn of(request: &Request, account: &str) -> Option<Self> {
        let of_resources = !WITHOUT_RESOURCES.contains(&request.operation.service.as_str());
        (of_resources && !request.operation.is_mutating()).then(|| Self {
            account: account.to_owned(),
            region: request.region.clone(),
            service: request.operation.service.clone(),
            operation: request.operation.name.clone(),
            uri: request.head.uri.to_string(),
            body: request.body.clone(),
        })
    }
}

impl Write {
    /// Whether an answer says something of what was written. Tags have a list of their own.
    fn touches(&self, question: &Question, answer: &Answer) -> bool {
        let text = String::from_utf8_lossy(answer.response.body());
        let is_told = |name: &String| answer.names.contains(name) || stands_in(&text, name);
        let of_service = self.service == question.service || question.service == "tagging";
        of_service && self.account == question.account && self.names.iter().any(is_told)
    }
}

/// Whether `name` stands in a text, and not only as part of a longer one.
fn stands_in(text: &str, name: &str) -> bool {
    let is_more =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    let mut found = text.match_indices(name);
    found.any(|(at, name)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !is_more(before.chars().next_back()) && !is_more(after.chars().next())
    })
}

/// The names of which a request speaks: every short text in it, be it an id, a name or an ARN. Some are of something
/// else, and make more of what is read old than has to be.
fn names(request: &Request) -> Vec<String> {
    let fields = request.form().into_iter().filter(|(field, _)| !is_nameless(field));
    let mut found: Vec<String> = fields.map(|(_, value)| value).collect();
    if let Ok(body) = serde_json::from_slice::<Value>(&request.body) {
        texts(&body, &mut found);
    }
    found.extend(request.bucket());
    // Groups of resources are named in the path.
    found.push(decode(request.head.uri.path()));
    let bare = found.iter().flat_map(|name| name.rsplit("/tags").map(bare));
    let mut names: Vec<String> = bare
        .filter(|name| name.len() > SHORT && !name.contains([' ', '{']))
        .map(str::to_owned)
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn is_nameless(field: &str) -> bool {
    let field = field.to_ascii_lowercase();
    NAMELESS.iter().any(|start| field.starts_with(start))
}

/// Of an ARN, what it ends with.
fn bare(name: &str) -> &str {
    if name.contains("arn:") {
        name.rsplit(['/', ':']).next().unwrap_or(name)
    } else {
        name
    }
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !is_nameless(name))
            .for_each(|(_, field)| texts(field, found)),
        _ => {}
    }
}
