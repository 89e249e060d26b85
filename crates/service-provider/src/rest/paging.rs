//! Pages: `page_size` and `next_page_token`, as Zoom has them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use crate::limits::{REST_PAGE_SIZE_DEFAULT, REST_PAGE_SIZE_MAX};

/// What a client asks of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct PageQuery {
    page_size: Option<u32>,
    next_page_token: Option<String>,
}

impl PageQuery {
    /// How many to show.
    pub(crate) fn size(&self) -> u32 {
        self.page_size.unwrap_or(REST_PAGE_SIZE_DEFAULT).clamp(1, REST_PAGE_SIZE_MAX)
    }

    /// How many come before the page, of a list that is counted off.
    pub(crate) fn offset(&self) -> Result<u64, Failure> {
        let Some(mark) = self.mark()? else { return Ok(0) };
        mark.parse().map_err(|_| bad_token())
    }

    /// What the last page ended with, of a list that goes on from a name.
    pub(crate) fn mark(&self) -> Result<Option<String>, Failure> {
        let token = self.next_page_token.as_deref().filter(|token| !token.is_empty());
        let Some(token) = token else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad_token())?;
        String::from_utf8(bytes).map(Some).map_err(|_| bad_token())
    }
}

/// A page of a list that is counted off: `name` holds the rows.
pub(crate) fn counted(
    query: &PageQuery,
    name: &str,
    rows: Vec<Value>,
    total: u64,
) -> Result<Value, Failure> {
    let end = query.offset()? + u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let mark = (end < total && !rows.is_empty()).then(|| end.to_string());
    Ok(page(query, name, rows, mark.as_deref(), Some(total)))
}

/// A page; `mark` is where the next one begins, if there is one.
pub(crate) fn page(
    query: &PageQuery,
    name: &str,
    rows: Vec<Value>,
    mark: Option<&str>,
    total: Option<u64>,
) -> Value {
    let token = mark.map(|mark| URL_SAFE_NO_PAD.encode(mark)).unwrap_or_default();
    let mut body = Map::new();
    body.insert(name.to_owned(), Value::Array(rows));
    body.insert("page_size".into(), json!(query.size()));
    body.insert("next_page_token".into(), json!(token));
    if let Some(total) = total {
        body.insert("total_records".into(), json!(total));
    }
    Value::Object(body)
}

fn bad_token() -> Failure {
    Failure::invalid(
        "The next_page_token is not one of this list. Begin again without it, and send back the one you get.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(size: u32, token: &str) -> PageQuery {
        PageQuery { page_size: Some(size), next_page_token: Some(token.to_owned()) }
    }

    #[test]
    fn a_page_leads_to_the_next_until_the_list_ends() {
        let rows = || vec![json!(1), json!(2)];
        let first = counted(&query(2, ""), "rows", rows(), 3).unwrap();
        let token = first["next_page_token"].as_str().unwrap().to_owned();
        assert_eq!(query(2, &token).offset().unwrap(), 2);
        let last = counted(&query(2, &token), "rows", vec![json!(3)], 3).unwrap();
        assert_eq!(last["next_page_token"], "");
        assert_eq!(last["total_records"], 3);
    }

    #[test]
    fn sizes_are_bounded_and_foreign_tokens_refused() {
        assert_eq!(query(0, "").size(), 1);
        assert_eq!(query(5_000, "").size(), REST_PAGE_SIZE_MAX);
        assert!(query(1, "!").offset().is_err());
        assert!(query(1, "YQ").offset().is_err());
    }
}
