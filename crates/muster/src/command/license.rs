//! `muster license`: what there is to be held, and what gives it.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use entitlement::{Currency, Key, Pool, Preset, Price};
use jiff::civil::Date;
use serde_json::json;
use service_provider::{DirectGrantRow, GrantSpec, GroupGrant, PoolRow};

use crate::cli::Context;
use crate::error::CommandError;
use crate::listing::{joined, listing, moment, or};
use crate::operator::counted;
use crate::tenancy::{Tenancy, TenantOption};

/// Direct grants that are read at a time.
const PAGE_COUNT: u32 = 1_000;

/// License types and products, the default license, and what groups grant.
#[derive(Debug, Args)]
pub struct LicenseArgs {
    #[command(flatten)]
    tenant: TenantOption,
    #[command(subcommand)]
    command: LicenseCommand,
}

#[derive(Debug, Subcommand)]
enum LicenseCommand {
    #[command(visible_alias = "list")]
    Types(TypesArgs),
    Grants(GrantsArgs),
    Direct(DirectArgs),
    Default(DefaultArgs),
    Grant(GrantArgs),
    Ungrant(UngrantArgs),
    Revoke(RevokeArgs),
    Price(PriceArgs),
    Remove(RemoveArgs),
    Retire(RetireArgs),
    MoveHolders(MoveHoldersArgs),
    Preset(PresetArgs),
}

/// List the license types, best first, and the products.
#[derive(Debug, Args)]
struct TypesArgs {}

/// List what each group grants.
#[derive(Debug, Args)]
struct GrantsArgs {}

/// Show the license of users whom no group grants one, or set it.
#[derive(Debug, Args)]
struct DefaultArgs {
    /// The license type.
    #[arg(value_parser = key)]
    license: Option<Key>,
    /// Have no default: who is granted nothing holds nothing.
    #[arg(long, conflicts_with = "license")]
    none: bool,
}

/// List what was given to users by hand.
#[derive(Debug, Args)]
struct DirectArgs {}

/// Say what a group grants (`grant GROUP --license KEY`), or give one user a license type or product
/// by hand (`grant USER KEY`).
///
/// What a group grants takes the place of what it granted before; the group need not be there yet.
#[derive(Debug, Args)]
struct GrantArgs {
    /// The group's name; with KEY, a user by login, e-mail address or id.
    #[arg(value_name = "GROUP or USER")]
    group: String,
    /// The license type or product that the user is given.
    #[arg(value_parser = key, conflicts_with_all = ["license", "products", "policies", "order", "priority"])]
    key: Option<Key>,
    /// The last day on which the user has it, by UTC.
    #[arg(long, value_name = "DATE", requires = "key")]
    until: Option<Date>,
    /// The place in the order of grants: of license types of equal rank the lowest wins.
    #[arg(long, value_name = "NUMBER")]
    order: Option<u32>,
    /// The priority on waitlists: higher goes first.
    #[arg(long, value_name = "NUMBER")]
    priority: Option<u32>,
    /// The license type.
    #[arg(long, value_name = "KEY", value_parser = key)]
    license: Option<Key>,
    /// The products, separated by commas.
    #[arg(long, value_name = "KEYS", value_parser = key, value_delimiter = ',')]
    products: Vec<Key>,
    /// A setting that the group imposes; may be given several times.
    #[arg(long = "policy", value_name = "NAME=VALUE", value_parser = policy)]
    policies: Vec<(String, String)>,
}

/// Remove what a group grants; its members fall back to their other grants or the default.
#[derive(Debug, Args)]
struct UngrantArgs {
    /// The group's name.
    group: String,
}

/// Take back what a user was given by hand.
#[derive(Debug, Args)]
struct RevokeArgs {
    /// The user, by login, e-mail address or id.
    user: String,
    /// The license type or product.
    #[arg(value_parser = key)]
    key: Key,
}

/// Say what a seat costs in a month, in the smallest unit of the currency: `price phone 1499 EUR`.
#[derive(Debug, Args)]
struct PriceArgs {
    /// The license type or product.
    #[arg(value_parser = key)]
    key: Key,
    /// The amount, such as cents.
    #[arg(required_unless_present = "none", requires = "currency")]
    minor_units: Option<u64>,
    /// The currency, by its three letters.
    #[arg(value_parser = currency)]
    currency: Option<Currency>,
    /// Forget the price.
    #[arg(long, conflicts_with_all = ["minor_units", "currency"])]
    none: bool,
}

/// Remove a license type or product that nothing uses.
#[derive(Debug, Args)]
struct RemoveArgs {
    /// The license type or product.
    #[arg(value_parser = key)]
    key: Key,
}

/// Retire a license type: nobody is given it any more, and who holds it keeps it until moved.
#[derive(Debug, Args)]
struct RetireArgs {
    /// The license type.
    #[arg(value_parser = key)]
    license: Key,
}

/// Move the holders of a retired license type to another, nobody being without one between.
#[derive(Debug, Args)]
struct MoveHoldersArgs {
    /// The retired license type.
    #[arg(value_parser = key)]
    from: Key,
    /// The license type they get.
    #[arg(value_parser = key)]
    to: Key,
}

/// Write a shipped catalogue with its grants: `guide`, the four groups of the guide.
#[derive(Debug, Args)]
struct PresetArgs {
    /// The preset.
    name: String,
}

/// Runs `muster license`.
///
/// # Errors
/// No such tenant, license type or product; something the catalogue does not allow.
pub fn run(context: &Context, args: LicenseArgs) -> Result<(), CommandError> {
    let tenancy = args.tenant.open(context)?;
    match args.command {
        LicenseCommand::Types(_) => types(context, &tenancy),
        LicenseCommand::Grants(_) => grants(context, &tenancy),
        LicenseCommand::Direct(_) => direct(context, &tenancy),
        LicenseCommand::Revoke(args) => revoke(context, &tenancy, &args),
        LicenseCommand::Price(args) => price(context, &tenancy, &args),
        LicenseCommand::Remove(args) => remove(context, &tenancy, &args),
        LicenseCommand::Default(args) => default(context, &tenancy, args),
        LicenseCommand::Grant(args) => grant(context, &tenancy, args),
        LicenseCommand::Ungrant(args) => ungrant(context, &tenancy, &args),
        LicenseCommand::Retire(args) => retire(context, &tenancy, &args),
        LicenseCommand::MoveHolders(args) => move_holders(context, &tenancy, &args),
        LicenseCommand::Preset(args) => preset(context, &tenancy, &args),
    }
}

fn types(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let pools = tenancy.provider.pools(tenancy.id())?;
    let row = |pool: &PoolRow| {
        let marks = [(pool.default, "default"), (pool.retired, "retired")];
        vec![
            pool.pool.kind().into(),
            pool.pool.key().to_string(),
            pool.name.clone(),
            or(pool.rank, "-"),
            joined(marks.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| *word)),
            pool.held.to_string(),
            or(pool.limit, "no limit"),
            or(pool.price, "-"),
        ]
    };
    let values = pools.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let headings = ["Kind", "Key", "Name", "Rank", "Is", "Held", "Limit", "A month"];
    listing(&context.output, &headings, pools.iter().map(row).collect(), values)
}

fn grants(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let grants = tenancy.provider.group_grants(tenancy.id())?;
    let row = |grant: &GroupGrant| {
        let policies = grant.spec.policies.iter().map(|(name, value)| format!("{name}={value}"));
        vec![
            grant.group_name.clone(),
            or(grant.spec.license_type.as_ref(), "-"),
            joined(&grant.spec.products),
            joined(policies),
            or(grant.spec.order, "-"),
            grant.spec.priority.to_string(),
            if grant.group.is_some() { "in force" } else { "waits for the group" }.into(),
            grant.granted_by.clone(),
            moment(grant.granted_at),
        ]
    };
    let values = grants.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let headings = [
        "Group", "License", "Products", "Policies", "Order", "Priority", "State", "Set by", "Since",
    ];
    listing(&context.output, &headings, grants.iter().map(row).collect(), values)
}

fn default(context: &Context, tenancy: &Tenancy, args: DefaultArgs) -> Result<(), CommandError> {
    if args.license.is_some() || args.none {
        let ctx = tenancy.ctx("license default");
        tenancy.provider.set_default_license(&ctx, tenancy.id(), args.license.as_ref())?;
        tenancy.work_off()?;
    }
    let settings = tenancy.provider.tenant_settings(tenancy.id())?;
    context.output.say(match &settings.default_license {
        Some(key) => format!("Who is granted no license gets {key}."),
        None => "Who is granted no license gets none.".into(),
    });
    context.output.value(&json!({ "default_license": settings.default_license }))
}

fn direct(context: &Context, tenancy: &Tenancy) -> Result<(), CommandError> {
    let mut found: Vec<DirectGrantRow> = Vec::new();
    // Ends with the first page that is not full.
    loop {
        let page = (found.len() as u64, PAGE_COUNT);
        let rows = tenancy.provider.direct_grants(tenancy.id(), page)?;
        let is_last = rows.len() < PAGE_COUNT as usize;
        found.extend(rows);
        if is_last {
            break;
        }
    }
    let row = |grant: &DirectGrantRow| {
        vec![
            grant.user_name.clone(),
            grant.pool.to_string(),
            or(grant.until, "without an end"),
            grant.granted_by.clone(),
            moment(grant.granted_at),
        ]
    };
    let values = found.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    let headings = ["User", "Has", "Until", "Given by", "Since"];
    listing(&context.output, &headings, found.iter().map(row).collect(), values)
}

/// Gives one user something by hand.
fn give(
    context: &Context,
    tenancy: &Tenancy,
    user: &str,
    key: &Key,
    until: Option<Date>,
) -> Result<(), CommandError> {
    let pool = pool_of(tenancy, key)?;
    let ctx = tenancy.ctx("license grant");
    let settled = tenancy.provider.grant_directly(&ctx, tenancy.id(), user, &pool, until)?;
    tenancy.work_off()?;
    let end = until.map(|day| format!(" until {day}")).unwrap_or_default();
    context.output.say(format!("{user} is granted {pool}{end}."));
    for finding in &settled.findings {
        context.output.say(finding.sentence(user));
    }
    context.output.value(&serde_json::to_value(&settled)?)
}

fn revoke(context: &Context, tenancy: &Tenancy, args: &RevokeArgs) -> Result<(), CommandError> {
    let pool = pool_of(tenancy, &args.key)?;
    let ctx = tenancy.ctx("license revoke");
    let settled = tenancy.provider.revoke_directly(&ctx, tenancy.id(), &args.user, &pool)?;
    tenancy.work_off()?;
    context.output.say(format!("{} is not granted {pool} by hand any more.", args.user));
    context.output.value(&serde_json::to_value(&settled)?)
}

fn price(context: &Context, tenancy: &Tenancy, args: &PriceArgs) -> Result<(), CommandError> {
    let pool = pool_of(tenancy, &args.key)?;
    let price = args.minor_units.zip(args.currency);
    let price = price.map(|(minor_units, currency)| Price { minor_units, currency });
    tenancy.provider.set_price(&tenancy.ctx("license price"), tenancy.id(), &pool, price)?;
    context.output.say(match price {
        Some(price) => format!("A seat of {pool} costs {price} a month."),
        None => format!("What a seat of {pool} costs is not known."),
    });
    context.output.value(&json!({ "pool": pool, "price": price }))
}

fn remove(context: &Context, tenancy: &Tenancy, args: &RemoveArgs) -> Result<(), CommandError> {
    let pool = pool_of(tenancy, &args.key)?;
    tenancy.provider.remove_pool(&tenancy.ctx("license remove"), tenancy.id(), &pool)?;
    context.output.say(format!("The {pool} is gone."));
    context.output.value(&json!({ "removed": pool }))
}

/// The license type of this key, or else the product.
pub fn pool_of(tenancy: &Tenancy, key: &Key) -> Result<Pool, CommandError> {
    let pools = tenancy.provider.pools(tenancy.id())?;
    let found = pools.into_iter().map(|row| row.pool).find(|pool| pool.key() == key);
    found.ok_or_else(|| {
        CommandError::failed(format!("there is no license type and no product `{key}`"))
            .hint("`muster license list` shows those there are.")
    })
}

fn grant(context: &Context, tenancy: &Tenancy, args: GrantArgs) -> Result<(), CommandError> {
    if let Some(key) = &args.key {
        return give(context, tenancy, &args.group, key, args.until);
    }
    if args.license.is_none() && args.products.is_empty() && args.policies.is_empty() {
        return Err(CommandError::usage(format!("nothing is granted to `{}`", args.group)).hint(
            "Give --license, --products or --policy; `muster license ungrant` removes a grant. One user is given something by `muster license grant USER KEY`.",
        ));
    }
    let spec = GrantSpec {
        license_type: args.license,
        products: args.products,
        policies: BTreeMap::from_iter(args.policies),
        order: args.order,
        priority: args.priority.unwrap_or(0),
    };
    let ctx = tenancy.ctx("license grant");
    let set = tenancy.provider.set_group_grant(&ctx, tenancy.id(), &args.group, &spec)?;
    tenancy.work_off()?;
    context.output.say(match &set.group {
        Some(_) => format!(
            "{} grants that now; {} decided again.",
            args.group,
            counted(set.members, "member")
        ),
        None => format!("{} will grant that once there is a group of this name.", args.group),
    });
    context.output.value(&json!({ "group_name": args.group, "grant": spec, "set": set }))
}

fn ungrant(context: &Context, tenancy: &Tenancy, args: &UngrantArgs) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("license ungrant");
    let set = tenancy.provider.remove_group_grant(&ctx, tenancy.id(), &args.group)?;
    tenancy.work_off()?;
    let members = counted(set.members, "member");
    context.output.say(format!("{} grants nothing any more; {members} decided again.", args.group));
    context.output.value(&json!({ "group_name": args.group, "set": set }))
}

fn retire(context: &Context, tenancy: &Tenancy, args: &RetireArgs) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("license retire");
    let held = tenancy.provider.retire_license_type(&ctx, tenancy.id(), &args.license)?;
    tenancy.work_off()?;
    context.output.say(format!("{} is given to nobody any more.", args.license));
    if held > 0 {
        context.output.say(format!(
            "Still with {} until moved: `muster license move-holders {} KEY`.",
            counted(held, "holder"),
            args.license
        ));
    }
    context.output.value(&json!({ "license_type": args.license, "held": held }))
}

fn move_holders(
    context: &Context,
    tenancy: &Tenancy,
    args: &MoveHoldersArgs,
) -> Result<(), CommandError> {
    let ctx = tenancy.ctx("license move-holders");
    let moved = tenancy.provider.move_holders(&ctx, tenancy.id(), &args.from, &args.to)?;
    tenancy.work_off()?;
    context.output.say(format!(
        "{} moved from {} to {}; {} and {} name the new one now.",
        counted(moved.moved, "holder"),
        args.from,
        args.to,
        counted(moved.groups, "grant"),
        counted(moved.direct_grants, "direct grant"),
    ));
    if moved.remaining > 0 {
        context.output.say(format!(
            "Still with {}: who is inactive keeps the seat by the tenant's policy.",
            counted(moved.remaining, "holder")
        ));
    }
    context.output.value(&serde_json::to_value(&moved)?)
}

fn preset(context: &Context, tenancy: &Tenancy, args: &PresetArgs) -> Result<(), CommandError> {
    let preset = Preset::named(&args.name).ok_or_else(|| {
        CommandError::usage(format!("there is no preset `{}`", args.name)).hint("There is `guide`.")
    })?;
    let ctx = tenancy.ctx("license preset");
    let applied = tenancy.provider.apply_preset(&ctx, tenancy.id(), &preset)?;
    tenancy.work_off()?;
    context.output.say(format!(
        "Wrote {}, {} and {}.",
        counted(applied.license_types, "license type"),
        counted(applied.products, "product"),
        counted(applied.grants, "grant"),
    ));
    for group in &applied.waiting_for_groups {
        context.output.say(format!("The grant of \"{group}\" waits for a group of this name."));
    }
    context.output.value(&serde_json::to_value(&applied)?)
}

/// A key on the command line.
pub fn key(text: &str) -> Result<Key, String> {
    Key::parse(text).map_err(|error| error.to_string())
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).map_err(|error| error.to_string())
}

fn policy(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => {
            Ok((name.to_string(), value.to_string()))
        }
        _ => Err("write it as name=value".into()),
    }
}
