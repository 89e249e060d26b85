//! What a query does with its rows.

use std::ops::ControlFlow;

use crate::error::Result;
use crate::row::Row;

/// Takes each row and says whether to go on.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(&Row) -> Result<ControlFlow<()>>;
