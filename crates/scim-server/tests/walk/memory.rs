//! A store in memory: the smallest thing that answers as RFC 7644 wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use scim::{
    AuthenticationScheme, BulkSupport, Error, IfMatch, MemberDelta, MemberStep, Query, Resource,
    ResourceType, ScimType, ServiceProviderConfig, SortOrder, Tolerance, Tolerances, Version, meta,
    sort_key,
};
use scim_server::{
    Command, Committed, Operation, Outcome, Page, RequestRecord, Shown, Step, Store, Stored, View,
    location,
};
use serde_json::json;

/// One caller's resources. Ids hold characters that have to be encoded in a path.
#[derive(Clone)]
pub struct Memory(Arc<Inner>);

struct Inner {
    base_url: String,
    types: Vec<Arc<ResourceType>>,
    tolerances: Tolerances,
    rows: Mutex<BTreeMap<String, Row>>,
    records: Mutex<Vec<RequestRecord>>,
    subject: Mutex<Option<String>>,
}

#[derive(Clone)]
struct Row {
    kind: String,
    resource: Resource,
    members: Vec<String>,
    version: u64,
}

impl Memory {
    pub fn new(base_url: &str) -> Self {
        Self(Arc::new(Inner {
            base_url: base_url.to_owned(),
            types: vec![
                Arc::new(ResourceType::user(vec![])),
                Arc::new(ResourceType::group(vec![])),
            ],
            tolerances: Tolerances::of([Tolerance::CapitalisedOp, Tolerance::BooleanAsString]),
            rows: Mutex::default(),
            records: Mutex::default(),
            subject: Mutex::default(),
        }))
    }

    /// What was logged of the last request.
    pub fn last_record(&self) -> RequestRecord {
        self.0.records.lock().unwrap().last().unwrap().clone()
    }

    /// Makes a user stand for whoever asks.
    pub fn bind(&self, id: &str) {
        *self.0.subject.lock().unwrap() = Some(id.to_owned());
    }

    fn show(&self, rt: &ResourceType, id: &str, row: &Row, view: &View) -> Stored {
        let mut resource = row.resource.clone();
        let epoch = Timestamp::UNIX_EPOCH;
        let place = location(&self.0.base_url, rt, id);
        resource.set("id", json!(id));
        resource.set("meta", meta(&rt.name, epoch, epoch, &place, Version(row.version)));
        if view.wants_rows() && rt.rows.is_some() {
            let members: Vec<_> = row.members.iter().map(|id| json!({"value": id})).collect();
            resource.set("members", json!(members));
        }
        Stored { id: id.to_owned(), version: row.version, shown: Shown::Resource(resource) }
    }

    fn found(&self, rt: &ResourceType, id: &str, tied: Option<&IfMatch>) -> Result<Row, Error> {
        let rows = self.0.rows.lock().unwrap();
        let row = rows.get(id).filter(|row| row.kind == rt.name);
        let row = row.ok_or_else(|| Error::not_found(&rt.name, id))?;
        if tied.is_some_and(|tied| !tied.allows(Version(row.version))) {
            return Err(Error::precondition_failed("It is at another version."));
        }
        Ok(row.clone())
    }

    fn carry_out(&self, command: Command) -> Result<Outcome, Error> {
        let Command { resource_type: rt, operation, view, .. } = command;
        Ok(match operation {
            Operation::Create { resource, members } => {
                let mut rows = self.0.rows.lock().unwrap();
                let id = format!("k&{}/{}", rt.name, rows.len() + 1);
                let mut row = Row { kind: rt.name.clone(), resource, members: vec![], version: 1 };
                apply(&mut row, &members);
                rows.insert(id.clone(), row.clone());
                Committed::Created(self.show(&rt, &id, &row, &view)).into()
            }
            Operation::Replace { id, resource, members, if_match } => {
                let mut row = self.found(&rt, &id, if_match.as_ref())?;
                if resource.text("displayName") == Some(CHILDLESS) && !members.steps.is_empty() {
                    return Err(Error::bad_request(ScimType::InvalidValue, "It has no members."));
                }
                row.resource = row.resource.replace_with(resource, &rt)?;
                row.version += 1;
                apply(&mut row, &members);
                self.put(&rt, &id, &row, &view).into()
            }
            Operation::Patch { id, request, if_match } => {
                let mut row = self.found(&rt, &id, if_match.as_ref())?;
                assert!(row.resource.text("userName") != Some("panic"), "a fault of the store");
                let outcome = request.apply(&rt, &row.resource)?;
                row.resource = outcome.resource;
                row.version += 1;
                apply(&mut row, &outcome.members);
                let committed = self.put(&rt, &id, &row, &view);
                Outcome { committed, tolerated: outcome.tolerated }
            }
            Operation::Delete { id, if_match } => {
                self.found(&rt, &id, if_match.as_ref())?;
                self.0.rows.lock().unwrap().remove(&id);
                Committed::Deleted.into()
            }
        })
    }

    fn put(&self, rt: &ResourceType, id: &str, row: &Row, view: &View) -> Committed {
        self.0.rows.lock().unwrap().insert(id.to_owned(), row.clone());
        if row.members.len() > 3 {
            return Committed::Unshown { id: id.to_owned(), version: row.version };
        }
        Committed::Updated(self.show(rt, id, row, view))
    }
}

impl Store for Memory {
    type Caller = ();

    fn base_url(&self) -> &str {
        &self.0.base_url
    }

    async fn authenticate(&self, bearer: Option<&str>) -> Result<(), Error> {
        match bearer {
            Some("good") => Ok(()),
            Some(_) => Err(Error::new(401, "The token is not known.")),
            None => Err(Error::new(401, "No token was sent.")),
        }
    }

    fn resource_types<'a>(&'a self, (): &'a ()) -> &'a [Arc<ResourceType>] {
        &self.0.types
    }

    fn tolerances<'a>(&'a self, (): &'a ()) -> &'a Tolerances {
        &self.0.tolerances
    }

    fn config(&self, (): &()) -> ServiceProviderConfig {
        ServiceProviderConfig {
            documentation_uri: None,
            patch: true,
            bulk: Some(BulkSupport { operation_count_max: 5, payload_bytes_max: 10_000 }),
            filter_result_count_max: Some(1000),
            change_password: false,
            sort: true,
            etag: true,
            pagination: None,
            security_events: None,
            authentication_schemes: vec![AuthenticationScheme::bearer_token()],
        }
    }

    async fn get(
        &self,
        (): &(),
        rt: &Arc<ResourceType>,
        id: &str,
        view: &View,
    ) -> Result<Stored, Error> {
        assert!(id != "panic", "a fault of the store");
        tokio::task::yield_now().await;
        Ok(self.show(rt, id, &self.found(rt, id, None)?, view))
    }

    async fn page(
        &self,
        (): &(),
        rt: &Arc<ResourceType>,
        query: &Query,
        view: &View,
    ) -> Result<Page, Error> {
        let rows = self.0.rows.lock().unwrap().clone();
        let of_type = rows.iter().filter(|(_, row)| row.kind == rt.name);
        let shown = of_type.map(|(id, row)| self.show(rt, id, row, view));
        let document = |stored: &Stored| match &stored.shown {
            Shown::Resource(resource) => resource.document().clone(),
            Shown::Json(_) => unreachable!(),
        };
        let mut found: Vec<_> = shown
            .filter(|stored| {
                query.filter.as_ref().is_none_or(|filter| filter.matches(rt, &document(stored)))
            })
            .collect();
        if let Some(path) = &query.sort_by {
            found.sort_by_key(|stored| sort_key(rt, path, &document(stored)));
            if query.sort_order == SortOrder::Descending {
                found.reverse();
            }
        }
        let total = found.len() as u64;
        let skip = usize::try_from(query.start_index - 1).unwrap_or(usize::MAX);
        let resources = found.into_iter().skip(skip).take(query.count as usize).collect();
        Ok(Page { resources, total })
    }

    async fn commit(&self, (): &(), command: Command) -> Result<Outcome, Error> {
        self.carry_out(command)
    }

    async fn commit_together(
        &self,
        (): &(),
        steps: Vec<Step>,
    ) -> Result<Vec<Outcome>, (usize, Error)> {
        let before = self.0.rows.lock().unwrap().clone();
        let mut outcomes = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            let outcome = step.command(&outcomes).and_then(|command| self.carry_out(command));
            match outcome {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => {
                    *self.0.rows.lock().unwrap() = before;
                    return Err((number, error));
                }
            }
        }
        Ok(outcomes)
    }

    fn subject(&self, (): &()) -> Result<(Arc<ResourceType>, String), Error> {
        let subject = self.0.subject.lock().unwrap().clone();
        let id = subject.ok_or_else(|| Error::new(501, "The token stands for nobody."))?;
        Ok((self.0.types[0].clone(), id))
    }

    fn log(&self, _: Option<&()>, record: RequestRecord) {
        self.0.records.lock().unwrap().push(record);
    }
}

/// A group that is called so can have no members.
pub const CHILDLESS: &str = "Childless";

fn apply(row: &mut Row, delta: &MemberDelta) {
    for step in &delta.steps {
        match step {
            MemberStep::Add(members) => {
                row.members.extend(members.iter().map(|member| member.value.clone()));
            }
            MemberStep::Remove(ids) => row.members.retain(|id| !ids.contains(id)),
            MemberStep::RemoveWhere(_) => row.members.clear(),
            MemberStep::ReplaceAll(members) => {
                row.members = members.iter().map(|member| member.value.clone()).collect();
            }
        }
    }
}
