//! TLS on the way to PostgreSQL: only the server that is meant gets the password.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::JOURNEYS;
use crate::program::postgres::{Server, server_of};
use crate::program::{Workspace, write};

/// Must be seen nowhere. As part of an address it is written otherwise.
const PASSWORD: &str = "p:ss/w@rd";
const IN_URL: &str = "p%3Ass%2Fw%40rd";
/// Addresses in the workspace name none.
const PORT: u16 = 5432;

/// An address of this machine at which nobody else has the port of PostgreSQL: another run of this test may be under way.
fn address() -> Ipv4Addr {
    let [.., first, second] = std::process::id().to_be_bytes();
    let free = |third: &u8| TcpListener::bind((Ipv4Addr::new(127, first, second, *third), PORT)).is_ok();
    let third = (1..=254).find(free).unwrap();
    Ipv4Addr::new(127, first, second, third)
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Has the server show a certificate for a name.
fn shows(server: &Server, authority: &Authority, name: &str) {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    let data = server.data();
    std::fs::write(data.join("server.crt"), certificate.pem()).unwrap();
    std::fs::write(data.join("server.key"), key.serialize_pem()).unwrap();
    server.owns(&data.join("server.crt"));
    server.owns(&data.join("server.key"));
    std::fs::set_permissions(data.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn only_the_server_that_is_meant_is_spoken_to() {
    let address = address().to_string();
    let Some(server) = server_of("tls", &format!("-c listen_addresses={address}")) else { return };
    let name = server.create(None);
    let (ours, others) = (authority(), authority());
    shows(&server, &ours, &address);
    let hba = format!("local all postgres trust\nhostssl {name} ada 127.0.0.0/8 scram-sha-256\n");
    std::fs::write(server.data().join("pg_hba.conf"), hba).unwrap();
    for sql in [
        &format!("CREATE ROLE ada LOGIN PASSWORD '{PASSWORD}'"),
        &format!("ALTER DATABASE {name} OWNER TO ada"),
        "ALTER SYSTEM SET ssl = on",
        "SELECT pg_reload_conf()",
    ] {
        server.ask("postgres", sql);
    }
    let workspace = Workspace::new(JOURNEYS, 1, "");
    write(&workspace.path("ours.pem"), &ours.pem());
    write(&workspace.path("others.pem"), &others.pem());
    let said = |parameters: &str, password: &str| -> (bool, String) {
        let url = format!("postgres://ada:{password}@{address}/{name}?{parameters}");
        let mut command = workspace.command();
        command.current_dir(workspace.path("")).env("DATABASE_URL", url).env("LOTSE_LOG", "debug");
        let output = command.arg("migrate").output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert!(!said.contains(PASSWORD) && !said.contains(IN_URL), "{said}");
        (output.status.success(), said)
    };
    let config = std::fs::read_to_string(workspace.path("lotse.yaml")).unwrap();
    let config = config.replace("\"sqlite://lotse.db\"", "env:DATABASE_URL");
    write(&workspace.path("lotse.yaml"), &config);
    let root = |file: &str| format!("sslrootcert={}", Path::new(&workspace.path(file)).display());

    let (is_good, text) = said(&format!("sslmode=verify-full&{}", root("ours.pem")), IN_URL);
    assert!(is_good, "{text}");
    for (parameters, password, words) in [
        (format!("sslmode=verify-full&{}", root("others.pem")), IN_URL, "`sslrootcert`"),
        ("sslmode=verify-full".to_owned(), IN_URL, "`sslrootcert`"),
        (format!("sslmode=verify-full&{}", root("missing.pem")), IN_URL, "missing.pem` cannot be read"),
        (format!("sslmode=verify-full&{}", root("ours.pem")), "wrong", "password authentication failed"),
        ("sslmode=disable".to_owned(), IN_URL, "no encryption"),
        (format!("sslmode=verify-full&sslrotcert=ours.pem&{}", root("ours.pem")), IN_URL, "`sslrotcert`"),
    ] {
        let (is_good, text) = said(&parameters, password);
        assert!(!is_good && text.contains(words), "{parameters}: {text}");
    }
    shows(&server, &ours, "elsewhere.example.com");
    server.ask("postgres", "SELECT pg_reload_conf()");
    // What was loaded last is shown as soon as it is loaded.
    let refused = crate::program::wait_for("the other certificate", || {
        let (is_good, text) = said(&format!("sslmode=verify-full&{}", root("ours.pem")), IN_URL);
        (!is_good).then_some(text)
    });
    assert!(refused.contains("is for another server"), "{refused}");
}
