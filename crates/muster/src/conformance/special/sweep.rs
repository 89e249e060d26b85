//! Lists paged from their first to their last row, by index (RFC 7644 3.4.2.4) and by cursor
//! (RFC 9865).

use std::collections::BTreeSet;

use serde_json::Value;

use super::crowd;
use crate::conformance::check::Stop;
use crate::conformance::value::{Within, at, percent_encode};
use crate::conformance::walk::Scope;

/// Most pages of one sweep: a server that ignores `startIndex` must not loop.
const PAGE_COUNT_MAX: usize = 60;

/// A page as it came.
struct Page {
    ids: Vec<String>,
    asked: usize,
    body: Value,
}

fn filter(scope: &Scope<'_>, endpoint: &str) -> Result<String, Stop> {
    let name = if endpoint == "/Groups" { "displayName" } else { "userName" };
    Ok(percent_encode(&format!("{name} sw \"{}\"", scope.fill("{tag}", Within::Plain)?)))
}

async fn page(scope: &mut Scope<'_>, path: String, asked: usize) -> Result<Page, Stop> {
    let answer = scope.send("GET", &path, None).await;
    if answer.status != 200 {
        return Err(Stop::fail(format!("the page that begins at {asked} is {}", answer.status)));
    }
    let body = answer.json.unwrap_or(Value::Null);
    let ids = at(&body, "Resources[].id").into_iter().filter_map(Value::as_str);
    Ok(Page { ids: ids.map(str::to_owned).collect(), asked, body })
}

async fn pages(scope: &mut Scope<'_>, endpoint: &str, size: usize) -> Result<Vec<Page>, Stop> {
    let filter = filter(scope, endpoint)?;
    let mut pages = Vec::new();
    let mut start = 1;
    while pages.len() < PAGE_COUNT_MAX {
        let path = format!("{endpoint}?filter={filter}&startIndex={start}&count={size}");
        let page = page(scope, path, start).await?;
        let total =
            page.body["totalResults"].as_u64().and_then(|total| usize::try_from(total).ok());
        let (is_empty, had) = (page.ids.is_empty(), page.ids.len());
        pages.push(page);
        start += had.max(1);
        if is_empty || total.is_none_or(|total| start > total) {
            break;
        }
    }
    Ok(pages)
}

fn all(pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|page| page.ids.clone()).collect()
}

fn nobody_missing(scope: &Scope<'_>, seen: &[String]) -> Result<(), Stop> {
    let crowd = crowd::ids(scope)?;
    let missing = crowd.iter().filter(|id| !seen.contains(id)).count();
    let total = crowd.len();
    if missing == 0 {
        return Ok(());
    }
    Err(Stop::fail(format!("{missing} of {total} users made here are on no page")))
}

fn nobody_twice(seen: &[String]) -> Result<(), Stop> {
    let distinct: BTreeSet<&String> = seen.iter().collect();
    let twice = seen.len() - distinct.len();
    if twice == 0 { Ok(()) } else { Err(Stop::fail(format!("{twice} rows came more than once"))) }
}

/// One aspect of a list paged by index.
pub async fn index(
    scope: &mut Scope<'_>,
    endpoint: &str,
    size: usize,
    aspect: &str,
) -> Result<(), Stop> {
    crowd::ids(scope)?;
    let pages = pages(scope, endpoint, size).await?;
    let seen = all(&pages);
    let figure = |page: &Page, name: &str| page.body[name].as_u64();
    let all_but_last = &pages[..pages.len().saturating_sub(1)];
    let wrong = |what: &str, fits: &dyn Fn(&Page) -> bool| match pages.iter().find(|p| !fits(p)) {
        None => Ok(()),
        Some(page) => {
            let told = ["startIndex", "itemsPerPage", "totalResults"].map(|name| &page.body[name]);
            let (came, [start, items, total]) = (page.ids.len(), told);
            Err(Stop::fail(format!(
                "{what}: asked for {size} from {}, came {came} with startIndex {start}, \
                 itemsPerPage {items}, totalResults {total}",
                page.asked
            )))
        }
    };
    let same = |value: Option<u64>, count: usize| value == u64::try_from(count).ok();
    match aspect {
        "missing" => nobody_missing(scope, &seen),
        "twice" => nobody_twice(&seen),
        "size" => wrong("a page has more than was asked for", &|page| page.ids.len() <= size),
        "full" => match all_but_last.iter().find(|page| page.ids.len() != size) {
            None => Ok(()),
            Some(page) => {
                let came = page.ids.len();
                Err(Stop::fail(format!("a page before the last has {came} of {size} rows")))
            }
        },
        "start" => wrong("startIndex is not what was asked", &|page| {
            same(figure(page, "startIndex"), page.asked)
        }),
        "items" => wrong("itemsPerPage is not what came", &|page| {
            same(figure(page, "itemsPerPage"), page.ids.len())
        }),
        "total" => {
            let distinct: BTreeSet<&String> = seen.iter().collect();
            wrong("totalResults is not what there is", &|page| {
                same(figure(page, "totalResults"), distinct.len())
            })
        }
        "again" => match all(&self::pages(scope, endpoint, size).await?) == seen {
            true => Ok(()),
            false => Err(Stop::fail("a second sweep has another order")),
        },
        "sizes" => match all(&self::pages(scope, endpoint, size + 2).await?) == seen {
            true => Ok(()),
            false => Err(Stop::fail("pages of another size have another order")),
        },
        _ => Err(Stop::skip(format!("a sweep has no aspect `{aspect}`"))),
    }
}

/// One aspect of a list paged by cursor.
pub async fn cursor(scope: &mut Scope<'_>, size: usize, aspect: &str) -> Result<(), Stop> {
    crowd::ids(scope)?;
    let filter = filter(scope, "/Users")?;
    let mut pages: Vec<Page> = Vec::new();
    let mut next = Some(String::new());
    while let Some(cursor) = next.take().filter(|_| pages.len() < PAGE_COUNT_MAX) {
        let cursor = percent_encode(&cursor);
        let path = format!("/Users?filter={filter}&count={size}&cursor={cursor}");
        let asked = pages.len() + 1;
        let page = page(scope, path, asked).await?;
        next = page.body["nextCursor"].as_str().map(str::to_owned);
        pages.push(page);
    }
    let seen = all(&pages);
    let is_unreserved =
        |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c));
    let cursors = pages.iter().filter_map(|page| page.body["nextCursor"].as_str());
    match aspect {
        "missing" => nobody_missing(scope, &seen),
        "twice" => nobody_twice(&seen),
        "size" if pages.iter().all(|page| page.ids.len() <= size) => Ok(()),
        "size" => Err(Stop::fail("a page has more than was asked for")),
        "several" if pages.len() > 1 => Ok(()),
        "several" => Err(Stop::fail("the first page has no nextCursor, and more would follow")),
        "ends" if pages.len() < PAGE_COUNT_MAX => Ok(()),
        "ends" => Err(Stop::fail("the last page still has a nextCursor")),
        "first" if pages[0].body.get("previousCursor").is_none() => Ok(()),
        "first" => Err(Stop::fail("the first page has a previousCursor")),
        "letters" => match cursors.into_iter().find(|cursor| !is_unreserved(cursor)) {
            None => Ok(()),
            Some(cursor) => Err(Stop::fail(format!("the cursor `{cursor}` needs encoding"))),
        },
        _ => Err(Stop::skip(format!("a cursor has no aspect `{aspect}`"))),
    }
}
