//! Lists of resources of several types: `GET /` and `POST /.search` (RFC 7644 3.4.2.1, 3.4.3).
//!
//! Unsorted, the list is the types' lists one after another. Sorted, each type gives its first
//! resources in order, as many as the page can need of it, with no more than they are sorted by;
//! the page is cut out of what they make together, and only what is on it is read whole.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use scim::{
    AttributePath, Error, Projection, QueryAcross, ResourceType, ScimType, SortKey, SortOrder,
    sort_key,
};

use crate::limits::ACROSS_SORT_COUNT_MAX;
use crate::respond;
use crate::store::{Shown, Store};
use crate::view::View;

/// The page of the list that the query asks for.
pub(crate) async fn list<S: Store>(
    store: &S,
    caller: &S::Caller,
    query: &QueryAcross,
) -> Result<Response<Body>, Error> {
    let (total, resources) = match &query.sort_by {
        None => one_after_another(store, caller, query).await?,
        Some(_) => in_one_order(store, caller, query).await?,
    };
    Ok(respond::json_text(StatusCode::OK, respond::list_text(total, query.start_index, &resources)))
}

async fn one_after_another<S: Store>(
    store: &S,
    caller: &S::Caller,
    query: &QueryAcross,
) -> Result<(u64, Vec<String>), Error> {
    let (mut total, mut resources) = (0_u64, Vec::new());
    for (rt, part) in &query.parts {
        let mut part = part.clone();
        let shown = u64::try_from(resources.len()).unwrap_or(u64::MAX);
        part.start_index = query.start_index.saturating_sub(total).max(1);
        part.count = query.count.saturating_sub(shown);
        let view = View::through(part.projection.clone(), rt);
        let page = store.page(caller, rt, &part, &view).await?;
        total += page.total;
        resources.extend(page.resources.into_iter().map(|one| respond::shown(rt, one, &view)));
    }
    Ok((total, resources))
}

/// A resource by what it is sorted by.
struct Place<'a> {
    key: SortKey,
    rt: &'a Arc<ResourceType>,
    part: usize,
    id: String,
}

async fn in_one_order<S: Store>(
    store: &S,
    caller: &S::Caller,
    query: &QueryAcross,
) -> Result<(u64, Vec<String>), Error> {
    let window = (query.start_index - 1).saturating_add(query.count);
    if query.count > 0 && window > ACROSS_SORT_COUNT_MAX {
        return Err(too_many());
    }
    let (mut total, mut places) = (0, Vec::new());
    for (number, (rt, part)) in query.parts.iter().enumerate() {
        let view = View::through(keys_only(part.sort_by.as_ref(), rt)?, rt);
        let mut part = part.clone();
        (part.start_index, part.count) = (1, if query.count == 0 { 0 } else { window });
        let page = store.page(caller, rt, &part, &view).await?;
        total += page.total;
        for stored in page.resources {
            let key = match (&part.sort_by, &stored.shown) {
                (Some(path), Shown::Resource(resource)) => sort_key(rt, path, resource.document()),
                _ => SortKey::Missing,
            };
            places.push(Place { key, rt, part: number, id: stored.id });
        }
    }
    // Stable: what is equal stays in the order of types, and within each as its list has it.
    match query.sort_order {
        SortOrder::Ascending => places.sort_by(|left, right| left.key.cmp(&right.key)),
        SortOrder::Descending => places.sort_by(|left, right| right.key.cmp(&left.key)),
    }
    let skip = usize::try_from(query.start_index - 1).unwrap_or(usize::MAX);
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let mut resources = Vec::new();
    for place in places.into_iter().skip(skip).take(count) {
        let view = View::through(query.parts[place.part].1.projection.clone(), place.rt);
        match store.get(caller, place.rt, &place.id, &view).await {
            Ok(stored) => resources.push(respond::shown(place.rt, stored, &view)),
            // Deleted in between: the page has one less (RFC 7644 3.4.2.4, "not stateful").
            Err(error) if error.status == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok((total, resources))
}

/// Nothing but what the resources are sorted by.
fn keys_only(sort_by: Option<&AttributePath>, rt: &ResourceType) -> Result<Projection, Error> {
    let named = sort_by.map_or_else(|| "id".to_owned(), ToString::to_string);
    let mut names = vec![named];
    // An attribute with several values is sorted by the primary one.
    if let Some(path) = sort_by.filter(|path| path.sub_attribute.is_some()) {
        names.push(
            AttributePath { sub_attribute: Some("primary".into()), ..path.clone() }.to_string(),
        );
    }
    Projection::of(&names, &[], rt)
}

fn too_many() -> Error {
    Error::bad_request(
        ScimType::TooMany,
        format!(
            "Across resource types only the first {ACROSS_SORT_COUNT_MAX} of a sorted list can be \
             paged. Narrow the filter down, leave `sortBy` out, or ask at the endpoint of one type."
        ),
    )
}
