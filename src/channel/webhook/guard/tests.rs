use super::*;

fn allow(entries: &[&str]) -> AllowList {
    entries.iter().map(|entry| entry.parse().unwrap()).collect()
}

fn refused(url: &str) -> GuardError {
    match Target::new(url, &AllowList::default()) {
        Err(error) => error,
        Ok(target) => panic!("{url} may be called: {target:?}"),
    }
}

#[test]
fn only_the_public_internet_is_public() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450::1",
        "2001:200::1",
        "3ffe::1",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn addresses_are_recognised_in_every_spelling() {
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127。0。0。1/",
        "https://%31%32%37.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[::]/",
        "https://0.0.0.0/",
        "https://0/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.1.2.3/",
        "https://[fd00::1]/",
    ] {
        assert!(matches!(refused(url), GuardError::Address { .. }), "{url}");
    }
    assert!(matches!(refused("http://169.254.169.254/"), GuardError::Address { .. }));
    assert!(Target::new("https://8.8.8.8/", &AllowList::default()).is_ok());
}

#[test]
fn schemes_users_and_ports_are_checked() {
    for url in [
        "",
        "erp.example.com",
        "//erp.example.com",
        "ftp://erp.example.com/",
        "file:///etc/passwd",
        "https://",
    ] {
        assert!(matches!(refused(url), GuardError::Url(_)), "{url}");
    }
    for url in [
        "https://user@erp.example.com/",
        "https://user:pass@erp.example.com/",
        "https://a@b@127.0.0.1/",
        "https://:pass@erp.example.com/",
        "https://erp.example.com%40x@127.0.0.1/",
    ] {
        assert_eq!(refused(url), GuardError::User, "{url}");
    }
    for url in [
        "http://erp.example.com/",
        "https://erp.example.com:25/",
        "https://erp.example.com:8443/",
        "http://erp.example.com:443/",
        "http://8.8.8.8/",
        "https://8.8.8.8:25/",
    ] {
        assert!(matches!(refused(url), GuardError::Port(_)), "{url}");
    }
    for url in ["https://erp.example.com/", "https://erp.example.com:80/x?y#z", "HTTPS://ERP.example.com"] {
        assert!(Target::new(url, &AllowList::default()).is_ok(), "{url}");
    }
}

#[test]
fn every_address_of_a_name_is_checked() {
    let target = Target::new("https://erp.example.com/", &AllowList::default()).unwrap();
    assert_eq!(target.check("8.8.8.8".parse().unwrap()), Ok(()));
    let error = target.check("127.0.0.1".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`erp.example.com` is 127.0.0.1, which is inside a network: if that is meant, add `127.0.0.1` to `allow_addresses` in `lotse.yaml`"
    );
}

#[test]
fn what_is_allowed_is_open_and_nothing_beside_it() {
    for (entry, url, address, open) in [
        ("127.0.0.1:9000", "http://127.0.0.1:9000/", "127.0.0.1", true),
        ("127.0.0.1:9000", "http://localhost:9000/", "127.0.0.1", true),
        ("127.0.0.1:9000", "http://localhost:9001/", "127.0.0.1", false),
        ("127.0.0.1:9000", "http://localhost:9000/", "127.0.0.2", false),
        ("127.0.0.1:9000", "http://localhost:9000/", "::1", false),
        ("127.0.0.1", "https://localhost:25/", "127.0.0.1", true),
        ("[::1]:9000", "http://localhost:9000/", "::1", true),
        ("::1", "http://[::1]:9000/", "::1", true),
        ("10.0.0.0/8", "http://erp.example.com/", "10.200.0.1", true),
        ("10.0.0.0/8", "http://erp.example.com/", "11.0.0.1", false),
        ("10.0.0.0/8", "https://erp.example.com/", "192.168.0.1", false),
        ("10.0.0.0/8", "http://erp.example.com/", "::ffff:10.0.0.1", true),
        ("0.0.0.0/0", "http://erp.example.com/", "127.0.0.1", true),
        ("fd00::/8", "http://erp.example.com/", "fd12::1", true),
        ("erp.internal:8443", "https://erp.internal:8443/", "10.0.0.1", true),
        ("erp.internal:8443", "https://ERP.internal:8443/", "127.0.0.1", true),
        ("erp.internal:8443", "https://erp.internal/", "10.0.0.1", false),
        ("erp.internal:8443", "https://other.internal:8443/", "10.0.0.1", false),
        ("erp.internal", "http://erp.internal:1234/", "10.0.0.1", true),
        ("erp.internal", "http://erp.internal.example.com/", "8.8.8.8", false),
    ] {
        let checked =
            Target::new(url, &allow(&[entry])).and_then(|target| target.check(address.parse().unwrap()));
        assert_eq!(checked.is_ok(), open, "{entry} {url} {address}: {checked:?}");
    }
}
