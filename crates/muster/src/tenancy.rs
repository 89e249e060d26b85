//! The service provider and the tenant that a command is about.

use clap::Args;
use db::Ctx;
use service_provider::{Error, ServiceProvider, Tenant, TenantId};

use crate::cli::Context;
use crate::error::CommandError;
use crate::installation::Installation;
use crate::operator;

/// Tenants that are named in an error.
const NAMED_COUNT_MAX: usize = 10;

/// Which tenant.
#[derive(Debug, Args)]
pub struct TenantOption {
    /// The tenant; may be left out when there is only one.
    #[arg(long, global = true, value_name = "NAME")]
    pub tenant: Option<String>,
}

/// The service provider, and the tenant of it that a command is about.
pub struct Tenancy {
    /// The service provider.
    pub provider: ServiceProvider,
    /// The tenant.
    pub tenant: Tenant,
}

impl TenantOption {
    /// Opens the service provider and finds the tenant.
    ///
    /// # Errors
    /// No such tenant; several, and none is named.
    pub fn open(&self, context: &Context) -> Result<Tenancy, CommandError> {
        let provider = Installation::open(context)?.service_provider()?;
        let tenant = self.find(&provider)?;
        Ok(Tenancy { provider, tenant })
    }

    fn find(&self, provider: &ServiceProvider) -> Result<Tenant, CommandError> {
        if let Some(name) = &self.tenant {
            return provider.tenant(name).map_err(|error| {
                let is_missing = matches!(error, Error::NotFound { .. });
                let error = CommandError::from(error);
                if is_missing {
                    error.hint("`muster tenant list` shows those there are.")
                } else {
                    error
                }
            });
        }
        let mut tenants = provider.tenants()?;
        match tenants.len() {
            0 => Err(CommandError::usage("there is no tenant")
                .hint("`muster tenant create NAME` makes one.")),
            1 => Ok(tenants.swap_remove(0)),
            count => {
                let names = tenants.iter().take(NAMED_COUNT_MAX).map(|tenant| tenant.name.as_str());
                let names = names.collect::<Vec<_>>().join(", ");
                let more = if count > NAMED_COUNT_MAX { ", ..." } else { "" };
                Err(CommandError::usage(format!("there are {count} tenants: {names}{more}"))
                    .hint("Name one with --tenant NAME."))
            }
        }
    }
}

impl Tenancy {
    /// The tenant's id.
    pub fn id(&self) -> &TenantId {
        &self.tenant.id
    }

    /// Who does what is done next, by which command.
    pub fn ctx(&self, command: &str) -> Ctx {
        ctx(&self.provider, command)
    }

    /// Does what follows a change, as far as no server does it at the same time.
    ///
    /// # Errors
    /// The database failed.
    pub fn work_off(&self) -> Result<(), CommandError> {
        self.provider.work_off()?;
        Ok(())
    }
}

/// Who does what is done next in the service provider, by which command.
pub fn ctx(provider: &ServiceProvider, command: &str) -> Ctx {
    provider.ctx(operator::actor(), format!("muster {command}"))
}
