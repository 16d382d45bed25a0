use std::fs;
use std::os::unix::fs::PermissionsExt;

use sluice_ids::EjId;

use super::*;

fn ej(name: &str) -> EjId {
    EjId::new(name).unwrap()
}

fn reader(ejs: &[&str]) -> NewToken {
    NewToken { role: Role::Reader, reach: Reach::only(ejs.iter().map(|e| ej(e))), expires: None }
}

#[test]
fn a_token_is_shown_once_and_never_kept() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::open(folder.path()).unwrap();
    assert!(!tokens.any_ever());
    let issued = tokens.create(reader(&["EJ1"])).unwrap();
    assert_eq!(issued.secret.len(), TOKEN_CHARS);
    let text = fs::read_to_string(folder.path().join(TOKENS_FILE)).unwrap();
    assert!(!text.contains(&issued.secret) && !text.contains(&issued.secret[4..]));
    assert_eq!(tokens.list().unwrap(), std::slice::from_ref(&issued.info));
    let grant = tokens.authenticate(&issued.secret).unwrap();
    assert_eq!((grant.role, grant.reach), (Role::Reader, Reach::only([ej("EJ1")])));
}

#[test]
fn the_file_is_private_and_an_exposed_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(TOKENS_FILE);
    Tokens::open(folder.path()).unwrap().create(reader(&["EJ1"])).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Tokens::open(folder.path()), Err(TokenError::Exposed { mode: 0o640, .. })));
}

#[test]
fn what_another_process_revokes_ends_here_at_the_next_look() {
    let folder = tempfile::tempdir().unwrap();
    let server = Tokens::open(folder.path()).unwrap().look_every(Duration::ZERO);
    let command_line = Tokens::open(folder.path()).unwrap();
    let issued = command_line.create(reader(&["EJ1"])).unwrap();
    assert_eq!(server.authenticate(&issued.secret), Err(Denied::Unknown));
    server.look();
    assert!(server.authenticate(&issued.secret).is_ok() && server.any_ever());
    command_line.revoke(&issued.info.id).unwrap();
    server.look();
    assert_eq!(server.authenticate(&issued.secret), Err(Denied::Unknown));
    assert!(server.any_ever(), "a revoked token still keeps the server closed");
    assert!(command_line.list().unwrap()[0].revoked.is_some());
}

#[test]
fn a_vanished_or_broken_file_changes_nothing_in_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(TOKENS_FILE);
    let server = Tokens::open(folder.path()).unwrap().look_every(Duration::ZERO);
    let secret = server.create(reader(&["EJ1"])).unwrap().secret;
    fs::remove_file(&path).unwrap();
    server.look();
    assert!(server.authenticate(&secret).is_ok() && server.any_ever());
    fs::write(&path, "{").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    server.look();
    assert!(server.authenticate(&secret).is_ok() && server.any_ever());
}

#[test]
fn an_expired_token_is_told_apart_and_a_past_expiry_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::open(folder.path()).unwrap();
    let at = now_seconds() + 60;
    let secret = tokens.create(NewToken { expires: Some(at), ..reader(&["EJ1"]) }).unwrap().secret;
    assert!(tokens.authenticate_at(&secret, at - 1).is_ok());
    assert_eq!(tokens.authenticate_at(&secret, at), Err(Denied::Expired));
    let past = NewToken { expires: Some(now_seconds()), ..reader(&["EJ1"]) };
    assert!(matches!(tokens.create(past), Err(TokenError::AlreadyExpired)));
}

#[test]
fn near_misses_of_a_token_are_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::open(folder.path()).unwrap();
    let secret = tokens.create(reader(&["EJ1"])).unwrap().secret;
    let mut wrong = secret.clone();
    wrong.pop();
    for bad in ["", "slc_", &wrong, &format!("{wrong}!"), &secret[4..], &format!("{secret}A")] {
        assert_eq!(tokens.authenticate(bad), Err(Denied::Unknown));
    }
}

#[test]
fn a_reading_token_without_any_ej_is_refused_and_a_monitor_without_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = Tokens::open(folder.path()).unwrap();
    assert!(matches!(tokens.create(reader(&[])), Err(TokenError::NoEj)));
    let monitor = NewToken { role: Role::Monitor, reach: Reach::only([]), expires: None };
    assert!(tokens.create(monitor).is_ok());
    let all = NewToken { role: Role::Administrator, reach: Reach::All, expires: None };
    let secret = tokens.create(all).unwrap().secret;
    let again = Tokens::open(folder.path()).unwrap();
    assert_eq!(again.authenticate(&secret).unwrap().reach, Reach::All);
    assert!(matches!(tokens.revoke("nothing"), Err(TokenError::Unknown { .. })));
}
