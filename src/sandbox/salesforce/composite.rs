//! `/composite` and `/composite/batch`: several requests in one (docs/vendor/salesforce.md 3.3).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::sandbox::http::{Request, Response};

use super::Org;
use super::errors::Fault;
use super::rows::Call;

const MAX_SUBREQUESTS: usize = 25;
const MAX_HEAVY: usize = 5;

fn halted(what: &str) -> Fault {
    Fault::new("PROCESSING_HALTED", what)
}

const UNDONE: &str =
    "The transaction was rolled back since another operation in the same transaction failed.";

/// A request out of a method, a URL with query, headers and a body.
fn sub_request(
    method: &str,
    url: &str,
    headers: Vec<(String, String)>,
    body: Option<&Value>,
) -> Request {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let decode = |text: &str| -> String {
        let kept = text.replace('+', "%2B").replace('&', "%26");
        url::form_urlencoded::parse(format!("v={kept}").as_bytes())
            .next()
            .map_or_else(String::new, |(_, value)| value.into_owned())
    };
    Request {
        method: method.to_ascii_uppercase(),
        path: path.split('/').map(decode).collect::<Vec<_>>().join("/"),
        query: url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect(),
        headers,
        body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
    }
}

fn body_json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or(Value::Null)
}

/// Looks `path` up in the answers so far: `ref.id`, `ref.records[0].Id`.
fn look_up<'a>(answers: &'a BTreeMap<String, Value>, path: &str) -> Option<&'a Value> {
    let (reference, rest) = path.split_once(['.', '[']).unwrap_or((path, ""));
    let mut value = answers.get(reference)?;
    for part in rest
        .split(['.', '['])
        .map(|part| part.trim_end_matches(']'))
    {
        value = match part.parse::<usize>() {
            _ if part.is_empty() => value,
            Ok(place) => value.get(place)?,
            Err(_) => value.get(part)?,
        };
    }
    Some(value)
}

/// Puts answers in place of `@{ref.path}`.
fn fill(text: &str, answers: &BTreeMap<String, Value>) -> Result<String, Fault> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("@{") {
        let Some(end) = rest[start..].find('}') else {
            break;
        };
        let path = &rest[start + 2..start + end];
        let value = look_up(answers, path)
            .filter(|value| !value.is_null())
            .ok_or_else(|| {
                let reference = path.split(['.', '[']).next().unwrap_or_default();
                halted(&format!(
                    "Invalid reference specified. No value for {path} found in {reference}"
                ))
            })?;
        filled.push_str(&rest[..start]);
        filled.push_str(
            &value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned),
        );
        rest = &rest[start + end + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn fill_json(value: &Value, answers: &BTreeMap<String, Value>) -> Result<Value, Fault> {
    Ok(match value {
        Value::String(text) => Value::String(fill(text, answers)?),
        Value::Array(list) => {
            let list: Result<Vec<_>, _> = list.iter().map(|one| fill_json(one, answers)).collect();
            Value::Array(list?)
        }
        Value::Object(map) => {
            let mut filled = Map::with_capacity(map.len());
            for (key, one) in map {
                filled.insert(key.clone(), fill_json(one, answers)?);
            }
            Value::Object(filled)
        }
        other => other.clone(),
    })
}

fn sub_list<'a>(body: &'a Map<String, Value>, name: &str) -> Result<&'a Vec<Value>, Fault> {
    let list = body
        .get(name)
        .and_then(Value::as_array)
        .ok_or_else(|| Fault::parse(format!("{name} must be a list")))?;
    if list.is_empty() {
        return Err(Fault::new(
            "REQUIRED_FIELD_MISSING",
            format!("{name} holds no request"),
        ));
    }
    if list.len() > MAX_SUBREQUESTS {
        let what = format!(
            "Limit exceeded. Requests with more than {MAX_SUBREQUESTS} subrequests are not allowed."
        );
        return Err(Fault::new("EXCEEDED_ID_LIMIT", what));
    }
    Ok(list)
}

fn text<'a>(request: &'a Value, name: &str) -> &'a str {
    request
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn headers_of(request: &Value) -> Vec<(String, String)> {
    let named = request.get("httpHeaders").and_then(Value::as_object);
    named
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned())))
        .collect()
}

impl Org {
    /// `POST /composite`
    pub(super) fn composite(&mut self, call: Call<'_>) -> Result<Response, Fault> {
        let body = call.body()?;
        let requests = sub_list(&body, "compositeRequest")?;
        let all_or_none = body
            .get("allOrNone")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let heavy = |request: &&Value| {
            let url = text(request, "url");
            url.contains("/query") || url.contains("/composite/sobjects")
        };
        if requests.iter().filter(heavy).count() > MAX_HEAVY {
            let what = format!(
                "Limit exceeded. At most {MAX_HEAVY} subrequests can be queries or collections."
            );
            return Err(Fault::new("EXCEEDED_ID_LIMIT", what));
        }
        let mut names: Vec<&str> = requests
            .iter()
            .map(|request| text(request, "referenceId"))
            .collect();
        names.sort_unstable();
        let well_named = |name: &&str| {
            name.starts_with(|letter: char| letter.is_ascii_alphabetic())
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        };
        if !names.iter().all(well_named) || names.windows(2).any(|pair| pair[0] == pair[1]) {
            let what =
                "each subrequest needs its own referenceId of letters, digits and underscores";
            return Err(Fault::parse(what));
        }
        let mark = self.data.begin();
        let mut answers = BTreeMap::new();
        let mut results: Vec<(String, Response)> = Vec::new();
        for request in requests {
            let name = text(request, "referenceId").to_owned();
            let failed = all_or_none && results.iter().any(|(_, answer)| answer.status >= 300);
            let answer = if failed {
                halted(UNDONE).response()
            } else {
                self.sub_answer(call, request, &answers)
            };
            if answer.status < 300 {
                answers.insert(name.clone(), body_json(&answer));
            }
            results.push((name, answer));
        }
        if all_or_none && results.iter().any(|(_, answer)| answer.status >= 300) {
            self.data.roll_back(mark);
            for (_, answer) in results.iter_mut().filter(|(_, answer)| answer.status < 300) {
                *answer = halted(UNDONE).response();
            }
        } else {
            self.data.commit();
        }
        let shown: Vec<Value> = results
            .iter()
            .map(|(name, answer)| {
                let headers: Map<String, Value> = answer
                    .headers
                    .iter()
                    .filter(|(name, _)| name != "Content-Type")
                    .map(|(name, value)| (name.clone(), json!(value)))
                    .collect();
                json!({
                    "body": body_json(answer), "httpHeaders": headers, "httpStatusCode": answer.status,
                    "referenceId": name,
                })
            })
            .collect();
        Ok(Response::json(200, &json!({"compositeResponse": shown})))
    }

    fn sub_answer(
        &mut self,
        call: Call<'_>,
        request: &Value,
        answers: &BTreeMap<String, Value>,
    ) -> Response {
        let filled = fill(text(request, "url"), answers).and_then(|url| {
            let body = match request.get("body") {
                Some(body) => Some(fill_json(body, answers)?),
                None => None,
            };
            Ok((url, body))
        });
        let (url, body) = match filled {
            Ok(filled) => filled,
            Err(fault) => return fault.response(),
        };
        let sub = sub_request(
            text(request, "method"),
            &url,
            headers_of(request),
            body.as_ref(),
        );
        self.inner(call, &sub)
    }

    /// `POST /composite/batch`: each subrequest counts as a call of its own.
    pub(super) fn batch(&mut self, call: Call<'_>) -> Result<Response, Fault> {
        let body = call.body()?;
        let requests = sub_list(&body, "batchRequests")?;
        let halt = body
            .get("haltOnError")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        self.meter.add(call.now, requests.len() as u64 - 1);
        let mut failed = false;
        let mut results = Vec::with_capacity(requests.len());
        for request in requests {
            let answer = if failed && halt {
                let mut fault = halted("Batch processing halted per request");
                fault.status = 412;
                fault.response()
            } else {
                let url = text(request, "url");
                let url = match url.starts_with('/') {
                    true => url.to_owned(),
                    false => format!("/services/data/{url}"),
                };
                let sub = sub_request(
                    text(request, "method"),
                    &url,
                    Vec::new(),
                    request.get("richInput"),
                );
                self.inner(call, &sub)
            };
            failed |= answer.status >= 300;
            results.push(json!({"statusCode": answer.status, "result": body_json(&answer)}));
        }
        Ok(Response::json(
            200,
            &json!({"hasErrors": failed, "results": results}),
        ))
    }

    /// A subrequest: routed like any other, neither counted nor authorised again, and never a composite itself.
    fn inner(&mut self, call: Call<'_>, sub: &Request) -> Response {
        let segments = sub.segments();
        let nested = segments.get(3) == Some(&"composite") && segments.get(4) != Some(&"sobjects");
        if nested {
            return Fault::new("NOT_FOUND", "a composite request cannot hold another").response();
        }
        self.rest(call.now, sub)
    }
}
