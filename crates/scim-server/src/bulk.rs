//! POST /Bulk: each operation on the way that it would take by itself (RFC 7644 3.7).
//!
//! Every operation is a write of its own, wholly done or not at all, and the next one begins when
//! it has ended, so that other clients' writes come in between. Only resources that name each other
//! in a circle are one write: without each other they would not be what the client asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use scim::{
    BulkCall, BulkMethod, BulkOperation, BulkRequest, BulkResult, BulkStep, Error, Projection,
    ResourceType, ScimType, Tolerated, Version, bulk_response,
};
use serde_json::Value;

use crate::body::Incoming;
use crate::panic::caught;
use crate::route::Route;
use crate::store::{BulkCount, Command, Committed, Outcome, Step, Store};
use crate::trace::Trace;
use crate::view::View;
use crate::{respond, write};

/// POST `/Bulk`
pub(crate) async fn bulk<S: Store>(
    store: &S,
    caller: &S::Caller,
    headers: &HeaderMap,
    body: &mut Incoming,
    trace: &mut Trace<S::Caller>,
) -> Result<Response<Body>, Error> {
    let Some(support) = store.config(caller).bulk else {
        return Err(Error::new(501, "This server does not have /Bulk."));
    };
    body.limit_payload(support.payload_bytes_max);
    let tolerances = store.tolerances(caller);
    let body = body.json(headers, tolerances, &mut trace.tolerated).await?;
    let (request, tolerated) = BulkRequest::read(body, tolerances, support.operation_count_max)?;
    trace.tolerated.extend(tolerated);
    let mut run = Run {
        store,
        caller,
        results: request.operations.iter().map(|_| None).collect(),
        ids: BTreeMap::new(),
        failed: 0,
        tolerated: Vec::new(),
    };
    for step in request.steps() {
        // RFC 7644 3.7: "the number of errors that the service provider should accept before
        // failing the remaining operations returning the response".
        if request.fail_on_errors.is_some_and(|errors| run.failed >= errors) {
            break;
        }
        match step {
            BulkStep::One(place) => run.one(place, &request.operations[place]).await,
            BulkStep::Circle(places) => run.circle(&places, &request.operations).await,
        }
    }
    trace.tolerated.append(&mut run.tolerated);
    let failed = run.failed;
    let results: Vec<BulkResult> = run.results.into_iter().flatten().collect();
    let operations = u64::try_from(results.len()).unwrap_or(u64::MAX);
    trace.bulk = Some(BulkCount { operations, failed });
    // RFC 7644 3.7: 200 also when operations failed; what failed is told in the body.
    Ok(respond::json(StatusCode::OK, &bulk_response(&results)))
}

/// A bulk request on its way.
struct Run<'a, S: Store> {
    store: &'a S,
    caller: &'a S::Caller,
    results: Vec<Option<BulkResult>>,
    /// The ids of the resources that have been made, by bulkId.
    ids: BTreeMap<String, String>,
    failed: u64,
    tolerated: Vec<Tolerated>,
}

/// What an operation is about.
struct Target {
    rt: Arc<ResourceType>,
    /// None: one that is to be made.
    id: Option<String>,
}

/// An operation of a circle: its place, and what is to be done first.
type CircleCall = (usize, BulkCall, Target, Command);

impl<S: Store> Run<'_, S> {
    async fn one(&mut self, place: usize, operation: &BulkOperation) {
        let (target, outcome) = match &operation.call {
            Err(error) => (None, Err(error.clone())),
            Ok(call) => match self.prepared(call) {
                Err((target, error)) => (target, Err(error)),
                Ok((target, command)) => {
                    self.note(place, &command.tolerated);
                    let store = self.store;
                    let doing = || format!("bulk {} {}", call.method.as_str(), call.path());
                    let outcome = caught(store.commit(self.caller, command), doing).await;
                    (Some(target), outcome.and_then(|outcome| outcome))
                }
            },
        };
        self.settle(place, operation, target.as_ref(), outcome);
    }

    /// The command of an operation that waits for nobody.
    fn prepared(&self, call: &BulkCall) -> Result<(Target, Command), (Option<Target>, Error)> {
        let (path, data) = call.resolved(&self.ids);
        let target = self.target(call.method, &path);
        if let Some(missing) = call.references().iter().find(|id| !self.ids.contains_key(*id)) {
            return Err((target.ok(), not_made(missing)));
        }
        let target = target.map_err(|error| (None, error))?;
        match self.command(call, &target, &data) {
            Ok(command) => Ok((target, command)),
            Err(error) => Err((Some(target), error)),
        }
    }

    fn command(&self, call: &BulkCall, target: &Target, data: &Value) -> Result<Command, Error> {
        let tolerances = self.store.tolerances(self.caller);
        let view = id_only(&target.rt)?;
        let (rt, version) = (&target.rt, call.version.clone());
        let id = target.id.clone().unwrap_or_default();
        match call.method {
            BulkMethod::Post => write::create_command(rt, data, view, tolerances),
            BulkMethod::Put => write::replace_command(rt, id, data, version, view, tolerances),
            BulkMethod::Patch => write::patch_command(rt, id, data, version, view, tolerances),
            BulkMethod::Delete => Ok(write::delete_command(rt, id, version)),
        }
    }

    fn target(&self, method: BulkMethod, path: &str) -> Result<Target, Error> {
        let types = self.store.resource_types(self.caller);
        let http = match method {
            BulkMethod::Post => Method::POST,
            BulkMethod::Put => Method::PUT,
            BulkMethod::Patch => Method::PATCH,
            BulkMethod::Delete => Method::DELETE,
        };
        let route = Route::of(path, types)?;
        match route {
            Route::Bulk => Err(Error::bad_request(
                ScimType::InvalidSyntax,
                "A bulk request cannot be an operation of another. Send its operations.",
            )),
            Route::Collection(rt) if method == BulkMethod::Post => Ok(Target { rt, id: None }),
            Route::Resource(rt, id) if method != BulkMethod::Post => {
                Ok(Target { rt, id: Some(id) })
            }
            Route::Me if method != BulkMethod::Post => {
                let (rt, id) = self.store.subject(self.caller)?;
                Ok(Target { rt, id: Some(id) })
            }
            route if route.allows(&http) => Err(Error::bad_request(
                ScimType::InvalidSyntax,
                format!("`{path}` is searched, not written. A bulk request only writes."),
            )),
            route => Err(route.method_error(path, &http)),
        }
    }

    /// Resources that name each other (RFC 7644 3.7.1): each is made without those that are not
    /// there yet, and then, all of them being there, replaced by what it was to be. All in one
    /// write.
    async fn circle(&mut self, places: &[usize], operations: &[BulkOperation]) {
        let lacking = || Error::new(409, "It names a resource that could not be made.");
        let calls = match self.circle_calls(places, operations) {
            Ok(calls) => calls,
            Err(refused) => return self.refuse(places, operations, &refused, &lacking()),
        };
        for (place, _, _, command) in &calls {
            self.note(*place, &command.tolerated);
        }
        let (steps, completed) = self.circle_steps(&calls, operations);
        let doing = || format!("bulk circle of {} operations", places.len());
        let outcome = caught(self.store.commit_together(self.caller, steps), doing).await;
        match outcome.map_err(|error| (usize::MAX, error)).and_then(|outcome| outcome) {
            Ok(outcomes) => {
                let (created, completions) = outcomes.split_at(calls.len());
                for (number, (place, _, target, _)) in calls.iter().enumerate() {
                    let last = completed.iter().position(|made| *made == number);
                    let last = last.and_then(|position| completions.get(position));
                    self.settle_circle(*place, &operations[*place], target, &created[number], last);
                }
            }
            // What one of them lacks by itself is its own error; the others lack it.
            Err((step, error)) if step < calls.len() => {
                self.refuse(places, operations, &[(calls[step].0, error)], &lacking());
            }
            Err((_, error)) if error.status >= 500 => self.refuse(places, operations, &[], &error),
            // RFC 7644 3.7.1: "MAY stop after a failed attempt and instead return HTTP status code
            // 409 (Conflict)".
            Err((_, error)) => {
                let detail =
                    format!("The resources name each other, which could not be resolved: {error}");
                self.refuse(places, operations, &[], &Error::new(409, detail));
            }
        }
    }

    /// The operations of a circle, each sound as far as can be told before it is carried out; or
    /// what is wrong with those that are not.
    fn circle_calls(
        &self,
        places: &[usize],
        operations: &[BulkOperation],
    ) -> Result<Vec<CircleCall>, Vec<(usize, Error)>> {
        let made = |id: &String| {
            self.ids.contains_key(id)
                || places.iter().any(|place| operations[*place].bulk_id.as_ref() == Some(id))
        };
        let (mut calls, mut refused) = (Vec::new(), Vec::new());
        for place in places {
            let checked = operations[*place].call.clone().and_then(|call| {
                if let Some(missing) = call.references().iter().find(|id| !made(id)) {
                    return Err(not_made(missing));
                }
                let target = self.target(call.method, call.path())?;
                let command = self.command(&call, &target, &call.resolved_so_far(&self.ids))?;
                Ok((*place, call, target, command))
            });
            match checked {
                Ok(call) => calls.push(call),
                Err(error) => refused.push((*place, error)),
            }
        }
        if refused.is_empty() { Ok(calls) } else { Err(refused) }
    }

    /// First each is made, then those are completed whose data had to wait; says which.
    fn circle_steps(
        &self,
        calls: &[CircleCall],
        operations: &[BulkOperation],
    ) -> (Vec<Step>, Vec<usize>) {
        let names: Arc<Vec<Option<String>>> =
            Arc::new(calls.iter().map(|(place, ..)| operations[*place].bulk_id.clone()).collect());
        let ids_after = {
            let before = self.ids.clone();
            let names = names.clone();
            move |outcomes: &[Outcome]| {
                let mut ids = before.clone();
                for (name, outcome) in names.iter().zip(outcomes) {
                    if let (Some(name), Committed::Created(stored)) = (name, &outcome.committed) {
                        ids.insert(name.clone(), stored.id.clone());
                    }
                }
                ids
            }
        };
        let (mut steps, mut completions, mut completed) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (_, call, target, _)) in calls.iter().enumerate() {
            let (call, rt) = (Arc::new(call.clone()), target.rt.clone());
            let tolerances = self.store.tolerances(self.caller).clone();
            let later = call.references().iter().any(|id| {
                !self.ids.contains_key(id)
                    && !names[..number].iter().any(|name| name.as_ref() == Some(id))
            });
            if later {
                completed.push(number);
                let (call, rt, ids_after) = (call.clone(), rt.clone(), ids_after.clone());
                let (name, tolerances) = (names[number].clone(), tolerances.clone());
                completions.push(Step::new(move |outcomes| {
                    let ids = ids_after(outcomes);
                    let (_, data) = call.resolved(&ids);
                    let id = name.as_ref().and_then(|name| ids.get(name)).cloned();
                    let id = id.unwrap_or_default();
                    write::replace_command(&rt, id, &data, None, id_only(&rt)?, &tolerances)
                }));
            }
            let ids_after = ids_after.clone();
            steps.push(Step::new(move |outcomes| {
                let data = call.resolved_so_far(&ids_after(outcomes));
                write::create_command(&rt, &data, id_only(&rt)?, &tolerances)
            }));
        }
        steps.extend(completions);
        (steps, completed)
    }

    /// None of these is done: those with errors of their own for those, the rest for this.
    fn refuse(
        &mut self,
        places: &[usize],
        operations: &[BulkOperation],
        own: &[(usize, Error)],
        error: &Error,
    ) {
        for place in places {
            let own = own.iter().find(|(known, _)| known == place).map(|(_, error)| error);
            let error = own.unwrap_or(error).clone();
            self.settle(*place, &operations[*place], None, Err(error));
        }
    }

    fn settle_circle(
        &mut self,
        place: usize,
        operation: &BulkOperation,
        target: &Target,
        created: &Outcome,
        completed: Option<&Outcome>,
    ) {
        self.settle(place, operation, Some(target), Ok(created.clone()));
        let Some(completed) = completed else { return };
        self.note(place, &completed.tolerated);
        let version = match &completed.committed {
            Committed::Created(stored) | Committed::Updated(stored) => Some(stored.version),
            Committed::Unshown { version, .. } => Some(*version),
            Committed::Deleted => None,
        };
        if let (Some(Some(result)), Some(version)) = (self.results.get_mut(place), version) {
            result.version = Some(Version(version));
        }
    }

    /// Writes down what came of an operation.
    fn settle(
        &mut self,
        place: usize,
        operation: &BulkOperation,
        target: Option<&Target>,
        outcome: Result<Outcome, Error>,
    ) {
        let mut result = BulkResult {
            method: operation.method.clone(),
            bulk_id: operation.bulk_id.clone(),
            ..BulkResult::default()
        };
        let mut id = target.and_then(|target| target.id.clone());
        match outcome {
            Ok(Outcome { committed, tolerated }) => {
                self.note(place, &tolerated);
                (result.status, result.version) = match committed {
                    Committed::Created(stored) => {
                        if let Some(name) = &operation.bulk_id {
                            self.ids.insert(name.clone(), stored.id.clone());
                        }
                        id = Some(stored.id);
                        (201, Some(Version(stored.version)))
                    }
                    Committed::Updated(stored) => (200, Some(Version(stored.version))),
                    Committed::Unshown { version, .. } => (204, Some(Version(version))),
                    Committed::Deleted => (204, None),
                };
            }
            Err(error) => {
                self.failed += 1;
                result.status = error.status;
                result.error = Some(error);
            }
        }
        result.location = target
            .zip(id)
            .map(|(target, id)| respond::location(self.store.base_url(), &target.rt, &id));
        self.results[place] = Some(result);
    }

    fn note(&mut self, place: usize, tolerated: &[Tolerated]) {
        self.tolerated.extend(tolerated.iter().map(|one| Tolerated {
            tolerance: one.tolerance,
            at: format!("Operations[{place}].data: {}", one.at),
        }));
    }
}

/// The resource would be there but for a failure before: a conflict with the state of things
/// (RFC 9110 15.5.10), as RFC 7644 3.7.1 has it for circles.
fn not_made(bulk_id: &str) -> Error {
    Error::new(409, format!("`bulkId:{bulk_id}` stands for a resource that could not be made."))
}

/// RFC 7644 3.7: "For normal completion, the server MAY elect to omit the response body", so no
/// more of a resource is made ready than its id.
fn id_only(rt: &ResourceType) -> Result<View, Error> {
    Ok(View::through(Projection::of(&["id".to_owned()], &[], rt)?, rt))
}
