//! What a request says, and texts that are filled with it.

use anyhow::{Context, Result};
use percent_encoding::percent_decode_str;
use secureml_rig::proxy::Call;
use serde_json::{Map, Value};

/// The parameters of a request, wherever its protocol has them: body, path, query, headers.
#[derive(Clone, Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Those of `call`; `uri` says where its path has some.
    pub fn of(call: &Call, uri: Option<&str>) -> Result<Self> {
        let (path, query) = call.uri.split_once('?').unwrap_or((&call.uri, ""));
        let mut fields = match uri {
            Some(pattern) => parts(pattern, path).with_context(|| format!("{path} is not like {pattern}"))?,
            None => Map::new(),
        };
        fields.extend(pairs(query));
        let headers = call.parameters.iter();
        fields.extend(headers.map(|(name, value)| (name.clone(), value.clone().into())));
        match serde_json::from_slice(&call.body) {
            Ok(Value::Object(body)) => fields.extend(body),
            // A form, of which only the protocol of queries has one.
            _ if uri.is_none() => fields.extend(pairs(&call.text())),
            _ => {}
        }
        Ok(Self(fields))
    }

    /// Those of a step of a pipeline. SageMaker calls what it makes after the step.
    pub fn of_step(step: &Value) -> Result<Self> {
        let arguments = step["Arguments"].as_object().context("a step has arguments")?;
        Ok(Self(arguments.clone()))
    }

    /// The field `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Gives the field `name` the value `value` where it has none.
    pub fn set_default(&mut self, name: &str, value: &str) {
        self.0.entry(name).or_insert_with(|| value.into());
    }

    /// The values at `path`, such as `Variants[].Name`; none where the request has nothing there.
    pub fn values(&self, path: &str) -> Vec<String> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let (name, rest) = match first.strip_suffix("[]") {
            Some(name) => (name, format!("[].{rest}")),
            None => (first, rest.to_owned()),
        };
        let mut found = Vec::new();
        if let Some(value) = self.0.get(name) {
            collect(value, rest.trim_end_matches('.'), &mut found);
        }
        found
    }

    /// `template` for every value of the first `{.path}` in it, and of those after that.
    pub fn fill(&self, template: &str) -> Vec<String> {
        let place = template.split_once("{.").and_then(|(before, rest)| {
            let (path, after) = rest.split_once('}')?;
            Some((before, path, after))
        });
        let Some((before, path, after)) = place else {
            return vec![template.to_owned()];
        };
        let tails = self.fill(after);
        let values = self.values(path).into_iter();
        values
            .flat_map(|value| tails.iter().map(move |tail| format!("{before}{value}{tail}")))
            .collect()
    }
}

fn collect(value: &Value, path: &str, found: &mut Vec<String>) {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    match (first, value) {
        (_, Value::Null) => {}
        ("", Value::String(text)) => found.push(text.clone()),
        // What a pipeline finds out when it runs.
        ("", Value::Object(later)) => {
            found.push(later.get("Get").and_then(Value::as_str).unwrap_or("later").to_owned())
        }
        ("", other) => found.push(other.to_string()),
        ("[]", Value::Array(items)) => items.iter().for_each(|item| collect(item, rest, found)),
        (name, _) => match name.strip_suffix("[]") {
            Some(name) => collect(&value[name], format!("[].{rest}").trim_end_matches('.'), found),
            None => collect(&value[name], rest, found),
        },
    }
}

/// The parts of `path` that `pattern` names: `/{Bucket}/{Key}`. The last takes what is left.
fn parts(pattern: &str, path: &str) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    let mut names = pattern.split('/').peekable();
    let mut rest = path;
    while let Some(name) = names.next() {
        let (part, after) = match names.peek() {
            Some(_) => rest.split_once('/')?,
            None => (rest, ""),
        };
        rest = after;
        match name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => fields.insert(name.to_owned(), decoded(part.trim_end_matches('/')).into()),
            None if name == part => None,
            None => return None,
        };
    }
    Some(fields)
}

fn pairs(form: &str) -> impl Iterator<Item = (String, Value)> {
    let pairs = form.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), decoded(value).into()))
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
