//! Owners: the people that records belong to (`docs/vendor/hubspot.md` 7.13 to 7.15).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::sandbox::http::Response;

use super::fault::{Answer, Fault};
use super::property::long_ago;
use super::text::instant;
use super::{Call, Portal};

/// One owner.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub id: String,
    pub email: String,
    pub first: String,
    pub last: String,
    pub user_id: u64,
    pub archived: bool,
    pub since: DateTime<Utc>,
}

impl Owner {
    fn json(&self) -> Value {
        let user = if self.archived {
            Value::Null
        } else {
            json!(self.user_id)
        };
        json!({"id": self.id, "email": self.email, "type": "PERSON", "firstName": self.first, "lastName": self.last,
               "userId": user, "userIdIncludingInactive": self.user_id, "createdAt": instant(self.since),
               "updatedAt": instant(self.since), "archived": self.archived})
    }
}

impl Portal {
    /// Adds an owner; `user_id` is what a person's edits carry as `userId:N`.
    pub fn add_owner(&mut self, id: &str, email: &str, first: &str, last: &str, user_id: u64) {
        self.owners.push(Owner {
            id: id.into(),
            email: email.into(),
            first: first.into(),
            last: last.into(),
            user_id,
            archived: false,
            since: long_ago(),
        });
        self.owners
            .sort_by_key(|owner| owner.id.parse::<u64>().unwrap_or(u64::MAX));
    }

    /// Deactivates an owner: it stays on records but cannot be written any more. `false` when there is none.
    pub fn archive_owner(&mut self, id: &str) -> bool {
        match self.owners.iter_mut().find(|owner| owner.id == id) {
            Some(owner) => {
                owner.archived = true;
                true
            }
            None => false,
        }
    }

    /// `GET /crm/owners/{v}` and `/{id}`.
    pub(super) fn owners_call(&mut self, call: &Call, rest: &[&str]) -> Answer {
        call.only("GET")?;
        self.scope("crm.objects.owners.read")?;
        let archived = call.flag("archived");
        if let Some(id) = rest.first() {
            let by_user = call.request.param("idProperty") == Some("userId");
            return self
                .owners
                .iter()
                .find(|owner| {
                    let matches = if by_user {
                        owner.user_id.to_string() == *id
                    } else {
                        owner.id == *id
                    };
                    matches && owner.archived == archived
                })
                .map(|owner| Response::json(200, &owner.json()))
                .ok_or_else(|| {
                    Fault::new(
                        404,
                        "OBJECT_NOT_FOUND",
                        format!("Owner {id} does not exist"),
                    )
                });
        }
        let limit = call.limit(100, 500)?;
        let after = call
            .request
            .param("after")
            .and_then(|text| text.parse::<usize>().ok())
            .unwrap_or(0);
        let email = call.request.param("email").map(str::to_lowercase);
        let found: Vec<&Owner> = self
            .owners
            .iter()
            .filter(|owner| owner.archived == archived)
            .filter(|owner| {
                email
                    .as_ref()
                    .is_none_or(|email| owner.email.to_lowercase() == *email)
            })
            .collect();
        let page: Vec<Value> = found
            .iter()
            .skip(after)
            .take(limit)
            .map(|owner| owner.json())
            .collect();
        let mut body = json!({"results": page});
        if found.len() > after + limit {
            body["paging"] = call.next_page(&(after + limit).to_string());
        }
        Ok(Response::json(200, &body))
    }
}
