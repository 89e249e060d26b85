//! Arbitrary histories of a tenant, from a seed: whatever happens in whatever order, the counters
//! tell what the rows say, nobody is above a limit, and at the end there is nothing left to settle.

use std::collections::BTreeMap;

use service_provider::GrantSpec;

use super::*;

/// A generator small enough to read: the same seed gives the same history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Knuth's constants; the high bits are the good ones.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())].clone()
    }
}

/// Groups, of which the last lies in others now and then and grants nothing itself.
const GROUPS: [&str; 5] =
    ["Zoom - Meetings", "Zoom - Phone", "Zoom - Contact Center", "Zoom - Webinars", "Berlin"];
const LICENSES: [&str; 3] = ["workplace-licensed", "workplace-business", "unassigned"];
const PRODUCTS: [&str; 3] = ["phone", "contact-center", "webinars"];

struct Simulation {
    server: Server,
    dice: Dice,
    /// Users by id, with whether they are active.
    users: BTreeMap<String, bool>,
    groups: BTreeMap<&'static str, String>,
    named: usize,
}

impl Simulation {
    async fn step(&mut self) {
        self.server.advance_secs(1);
        match self.dice.roll(21) {
            0..=3 => self.hire().await,
            4..=6 => self.leave_or_return().await,
            7 => self.delete().await,
            8..=14 => self.change_membership().await,
            15 => self.limit(),
            16 => self.grant(),
            17 => self.default_license(),
            18 => self.regroup().await,
            19 => self.nest().await,
            _ => self.server.work_off(),
        }
        self.server.check_pools();
    }

    async fn hire(&mut self) {
        self.named += 1;
        let more = match self.dice.roll(4) {
            0 => json!({"userType": "Licensed"}),
            1 => json!({"active": false}),
            _ => json!({}),
        };
        let name = format!("user{}", self.named);
        let user = self.server.user_with(&name, more.clone()).await.created();
        let active = more.get("active") != Some(&Value::Bool(false));
        self.users.insert(user["id"].as_str().unwrap().to_owned(), active);
    }

    fn somebody(&mut self) -> Option<String> {
        let ids: Vec<String> = self.users.keys().cloned().collect();
        (!ids.is_empty()).then(|| self.dice.pick(&ids))
    }

    async fn leave_or_return(&mut self) {
        let Some(user) = self.somebody() else { return };
        let active = !self.users[&user];
        self.server.set_active(&user, active).await;
        self.users.insert(user, active);
    }

    async fn delete(&mut self) {
        let Some(user) = self.somebody() else { return };
        self.server.delete(&format!("/scim2/Users/{user}")).await.gone();
        self.users.remove(&user);
    }

    async fn change_membership(&mut self) {
        let Some(user) = self.somebody() else { return };
        let name = self.dice.pick(&GROUPS);
        let Some(group) = self.groups.get(name).cloned() else {
            let group = self.server.group(name, &[&user]).await;
            self.groups.insert(name, group);
            return;
        };
        if self.dice.roll(3) == 0 {
            self.server.remove(&group, &user).await;
        } else {
            self.server.add(&group, &[&user]).await;
        }
    }

    /// Sets a limit that is not below what is held.
    fn limit(&mut self) {
        let pool = match self.dice.roll(2) {
            0 => license(self.dice.pick(&LICENSES)),
            _ => product(self.dice.pick(&PRODUCTS)),
        };
        let limit = u32::try_from(self.dice.roll(6)).unwrap();
        let (ctx, tenant) = (self.server.ctx(), &self.server.tenant);
        let pools = self.server.provider.pools(tenant).unwrap();
        let held = pools.iter().find(|row| row.pool == pool).unwrap().held;
        let limit = limit.max(u32::try_from(held).unwrap());
        self.server.provider.set_seat_limit(&ctx, tenant, &pool, Some(limit)).unwrap();
    }

    fn grant(&mut self) {
        let spec = GrantSpec {
            license_type: (self.dice.roll(3) > 0).then(|| key(self.dice.pick(&LICENSES))),
            products: vec![key(self.dice.pick(&PRODUCTS))],
            priority: u32::try_from(self.dice.roll(3)).unwrap(),
            order: (self.dice.roll(2) > 0).then_some(1),
            ..GrantSpec::default()
        };
        let name = self.dice.pick(&GROUPS[..4]);
        let (ctx, tenant) = (self.server.ctx(), &self.server.tenant);
        self.server.provider.set_group_grant(&ctx, tenant, name, &spec).unwrap();
    }

    fn default_license(&mut self) {
        let default = (self.dice.roll(4) > 0).then(|| key(self.dice.pick(&LICENSES)));
        let (ctx, tenant) = (self.server.ctx(), &self.server.tenant);
        self.server.provider.set_default_license(&ctx, tenant, default.as_ref()).unwrap();
    }

    /// Puts the last group into another, or takes it out.
    async fn nest(&mut self) {
        let outer = self.dice.pick(&GROUPS[..4]);
        let (Some(outer), Some(inner)) = (self.groups.get(outer), self.groups.get("Berlin")) else {
            return;
        };
        if self.dice.roll(3) == 0 {
            self.server.remove(outer, inner).await;
        } else {
            self.server.add(outer, &[inner]).await;
        }
    }

    async fn regroup(&mut self) {
        let name = self.dice.pick(&GROUPS);
        if let Some(group) = self.groups.remove(name) {
            self.server.delete(&format!("/scim2/Groups/{group}")).await.gone();
        }
    }

    /// Everything every user has, and how long each ledger is.
    fn state(&self) -> Vec<(String, String, usize)> {
        let of = |user: &String| {
            let ledger = self.server.provider.seat_ledger(&self.server.tenant, user, 9999).unwrap();
            (user.clone(), self.server.has(user), ledger.len())
        };
        self.users.keys().map(of).collect()
    }

    /// Who is active has a claim for every seat and a seat for every claim; who is not has none.
    fn check_users(&self) {
        for (user, active) in &self.users {
            let entitlement = self.server.entitlement(user);
            assert_eq!(entitlement.pending, None);
            let held = entitlement.license.iter().chain(&entitlement.products);
            let lines: Vec<_> = held.chain(&entitlement.waiting).collect();
            if !active {
                assert!(lines.is_empty(), "{user} is inactive and has {lines:?}");
            }
            // Whoever waits, waits for a pool that is full.
            for line in &entitlement.waiting {
                assert!(line.pool_limit.is_some_and(|limit| line.pool_held >= u64::from(limit)));
            }
        }
    }
}

async fn simulate(seed: u64) {
    let mut simulation = Simulation {
        server: Server::start().await,
        dice: Dice(seed),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        named: 0,
    };
    for _ in 0..150 {
        simulation.step().await;
    }
    simulation.server.work_off();
    simulation.check_users();
    simulation.server.check_history();
    let before = simulation.state();
    assert!(before.iter().any(|(_, has, _)| has.contains("workplace")), "seed {seed} was idle");
    let (ctx, tenant) = (simulation.server.ctx(), simulation.server.tenant.clone());
    let marked = simulation.server.provider.settle_again(&ctx, &tenant).unwrap();
    assert_eq!(marked, before.len() as u64);
    simulation.server.work_off();
    assert_eq!(simulation.state(), before, "settling again changed something, seed {seed}");
}

#[tokio::test]
async fn seats_add_up_whatever_happens() {
    for seed in 1..=4 {
        simulate(seed).await;
    }
}
