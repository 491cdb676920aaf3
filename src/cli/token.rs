use std::path::Path;

use anyhow::bail;

use super::again::again;
use super::args::{Format, Role as RoleArg, TokenArgs, TokenCommand};
use super::workspace::{Workspace, block_on};
use super::{End, audit, output};
use crate::http::access::{Role, new_token};
use crate::store::{DeedKind, Store, Token};
use crate::time::{Clock, SystemClock, wall_text};

pub(super) fn run(args: &TokenArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(dir)?;
    block_on(async {
        let store = workspace.open_store().await?;
        match &args.command {
            TokenCommand::Create { name, role } => create(&*store, name, *role).await,
            TokenCommand::List { format } => list(&*store, *format, &workspace).await,
            TokenCommand::Revoke { id } => revoke(&*store, id).await,
        }
    })
}

fn role(role: RoleArg) -> Role {
    match role {
        RoleArg::Ingest => Role::Ingest,
        RoleArg::Api => Role::Api,
        RoleArg::Metrics => Role::Metrics,
        RoleArg::Viewer => Role::Viewer,
        RoleArg::Admin => Role::Admin,
    }
}

async fn create(store: &dyn Store, name: &str, of: RoleArg) -> anyhow::Result<End> {
    let (access, text) = new_token(name, role(of), SystemClock.now())?;
    let detail = format!("{} `{name}` of the role {}", access.token.id, access.token.role);
    again(store, async || {
        let mut unit = store.write().await?;
        unit.add_token(access.clone()).await?;
        unit.note(audit::deed(DeedKind::TokenCreated, detail.as_str())).await?;
        Ok(unit.commit().await?)
    })
    .await?;
    anstream::eprintln!("this is shown once; keep it where secrets are kept");
    anstream::println!("{text}");
    Ok(End::Good)
}

async fn list(store: &dyn Store, format: Format, workspace: &Workspace) -> anyhow::Result<End> {
    let tokens = store.read().await?.tokens().await?;
    if format == Format::Json {
        output::json(&tokens)?;
        return Ok(End::Good);
    }
    if tokens.is_empty() {
        anstream::eprintln!("nobody has access: `lotse token create NAME --role ROLE` gives some");
        return Ok(End::Good);
    }
    let zone = &workspace.config.timezone;
    let row = |token: &Token| {
        let revoked = token.revoked_at.map(|at| format!("revoked {}", wall_text(at, zone)));
        vec![
            token.id.clone(),
            token.name.clone(),
            token.role.clone(),
            wall_text(token.created_at, zone),
            revoked.unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
    output::table(&["id", "name", "role", "created", ""], &rows);
    Ok(End::Good)
}

async fn revoke(store: &dyn Store, id: &str) -> anyhow::Result<End> {
    again(store, async || {
        let mut unit = store.write().await?;
        if !unit.revoke_token(id, SystemClock.now()).await? {
            bail!("no token `{id}` is in use: `lotse token list` shows those there are");
        }
        unit.note(audit::deed(DeedKind::TokenRevoked, id)).await?;
        Ok(unit.commit().await?)
    })
    .await?;
    anstream::println!("`{id}` opens nothing any more; a running server forgets it within 10 seconds");
    Ok(End::Good)
}
