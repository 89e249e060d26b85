//! Places in long lists. A directory that imports 100,000 users asks for page after page by
//! number; with the id that stood at a place, the next page begins there instead of being counted
//! from the start.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::counter::Kind;
use crate::limits::{WAYPOINT_COUNT_MAX, WAYPOINT_LIST_COUNT_MAX};
use crate::tenant::TenantId;

/// The places remembered of each tenant's lists.
#[derive(Debug, Default)]
pub(crate) struct Waypoints(Mutex<HashMap<(TenantId, Kind), List>>);

#[derive(Debug, Default)]
struct List {
    /// The counter's `shift` for which the places hold.
    shift: i64,
    /// Place, counted from 0, and the id of the resource there.
    places: BTreeMap<u64, String>,
}

impl Waypoints {
    /// The nearest place at or before this one, and the id there, if the list has not shifted.
    pub(super) fn nearest(
        &self,
        tenant: &TenantId,
        kind: Kind,
        shift: i64,
        place: u64,
    ) -> Option<(u64, String)> {
        let lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = lists.get(&(tenant.clone(), kind)).filter(|list| list.shift == shift)?;
        let (place, id) = list.places.range(..=place).next_back()?;
        Some((*place, id.clone()))
    }

    /// Remembers which id stands at a place.
    pub(super) fn remember(&self, tenant: &TenantId, kind: Kind, shift: i64, place: u64, id: &str) {
        let mut lists = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lists.len() >= WAYPOINT_LIST_COUNT_MAX {
            lists.clear();
        }
        let list = lists.entry((tenant.clone(), kind)).or_default();
        if list.shift != shift {
            // Somebody who saw a later list was here first.
            if list.shift > shift {
                return;
            }
            *list = List { shift, places: BTreeMap::new() };
        }
        if list.places.len() >= WAYPOINT_COUNT_MAX {
            list.places.pop_first();
        }
        list.places.insert(place, id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t() -> TenantId {
        TenantId::new("t")
    }

    #[test]
    fn the_nearest_place_before_is_found_until_the_list_shifts() {
        let waypoints = Waypoints::default();
        waypoints.remember(&t(), Kind::Users, 0, 100, "b");
        waypoints.remember(&t(), Kind::Users, 0, 0, "a");
        let nearest = |tenant: &str, kind, shift, place| {
            waypoints.nearest(&TenantId::new(tenant), kind, shift, place)
        };
        assert_eq!(nearest("t", Kind::Users, 0, 150), Some((100, "b".into())));
        assert_eq!(nearest("t", Kind::Users, 0, 99), Some((0, "a".into())));
        assert_eq!(nearest("t", Kind::Groups, 0, 99), None);
        assert_eq!(nearest("other", Kind::Users, 0, 99), None);
        assert_eq!(nearest("t", Kind::Users, 1, 150), None);
        waypoints.remember(&t(), Kind::Users, 1, 50, "c");
        assert_eq!(nearest("t", Kind::Users, 1, 150), Some((50, "c".into())));
        waypoints.remember(&t(), Kind::Users, 0, 60, "late");
        assert_eq!(nearest("t", Kind::Users, 1, 150), Some((50, "c".into())));
    }

    #[test]
    fn places_are_bounded() {
        let waypoints = Waypoints::default();
        for place in 0..WAYPOINT_COUNT_MAX as u64 + 10 {
            waypoints.remember(&t(), Kind::Users, 0, place, "a");
        }
        let lists = waypoints.0.lock().unwrap();
        assert_eq!(lists[&(t(), Kind::Users)].places.len(), WAYPOINT_COUNT_MAX);
    }
}
