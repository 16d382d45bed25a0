//! What is wrong with a configuration is said with key, value, source and the nearest known key.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

use sluice_config::{Problem, Sources, load};

const EJ: &str = "[[ej]]\nid = \"EJ1\"\nname = \"One\"\nfiness = \"699000014\"\n";

/// The problems of a file with that text, the file's own path left out of their sources.
fn problems(text: &str) -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, text).unwrap();
    let error = load(&Sources { file: Some(file), ..Sources::default() }).unwrap_err();
    let short = |mut problem: Problem| {
        problem.source = problem.source.rsplit('/').next().unwrap_or_default().to_owned();
        problem
    };
    error.problems.into_iter().map(short).collect()
}

fn only(text: &str) -> Problem {
    let mut found = problems(text);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_misspelt_key_is_told_with_its_value_its_file_and_the_nearest_key() {
    let problem = only("[journal]\nsegment_byte = 5\n");
    assert_eq!(problem.key, "journal.segment_byte");
    assert!(problem.what.contains('5'), "{}", problem.what);
    assert_eq!(problem.source, "site.toml");
    assert_eq!(problem.nearest.as_deref(), Some("segment_bytes"));
    let shown = problem.to_string();
    assert!(
        shown.contains("did you mean `segment_bytes`?") && shown.contains("site.toml"),
        "{shown}"
    );
}

#[test]
fn a_misspelt_section_and_a_key_in_an_ej_are_found_too() {
    assert_eq!(only("[jurnal]\nsegment_bytes = 5\n").nearest.as_deref(), Some("journal"));
    let problem = only(&format!("{EJ}time_zon = \"UTC\"\n"));
    assert!(problem.key.ends_with("time_zon"), "{}", problem.key);
    assert_eq!(problem.nearest.as_deref(), Some("time_zone"));
}

#[test]
fn a_value_of_the_wrong_kind_is_told_with_what_is_needed() {
    let problem = only("[mllp]\nframe_bytes_max = \"big\"\n");
    assert_eq!(problem.key, "mllp.frame_bytes_max");
    assert!(problem.what.contains("big"), "{}", problem.what);
    assert_eq!(problem.source, "site.toml");
    let problem = only("[log]\nlevel = \"verbos\"\n");
    assert!(problem.what.contains("verbos") && problem.what.contains("trace"), "{}", problem.what);
}

#[test]
fn an_impossible_value_is_told_with_its_bounds() {
    let problem = only("[journal]\nsegment_bytes = 5\n");
    assert_eq!(problem.key, "journal.segment_bytes");
    assert!(problem.what.contains("between"), "{}", problem.what);
    assert_eq!(only("[mllp]\nconnections_max = 0\n").key, "mllp.connections_max");
    let problem = only("[http.bulk]\nfree_floor_bytes = 5\n");
    assert_eq!(problem.key, "http.bulk.free_floor_bytes");
    assert!(problem.what.contains("536870912"), "{}", problem.what);
    assert!(only("[http.bulk]\nrunning_max = 0\n").what.contains("bulk.running_max"));
    let problem = only(&EJ.replace("699000014", "12"));
    assert!(problem.what.contains("finess"), "{}", problem.what);
    let problem = only(&format!("{EJ}charset = \"EBCDIC\"\n"));
    assert!(problem.what.contains("EBCDIC"), "{}", problem.what);
    let problem = only(&format!("{EJ}time_zone = \"Europe/Pariss\"\n"));
    assert!(problem.what.contains("Europe/Pariss"), "{}", problem.what);
}

#[test]
fn two_sockets_on_one_port_are_found_whatever_their_address() {
    let channel = |id: &str, address: &str| {
        format!(
            "[[channel]]\nid = \"{id}\"\nejs = [\"EJ1\"]\n\
             source = {{ type = \"mllp\", address = \"{address}\", \
             allow_plaintext_off_loopback = true }}\n"
        )
    };
    let two = format!("{EJ}{}{}", channel("a", "127.0.0.1:5600"), channel("b", "0.0.0.0:5600"));
    let problem = only(&two);
    assert_eq!(problem.key, "channel.1.source.address");
    assert!(problem.what.contains("channel.0"), "{}", problem.what);
    let http = format!("{EJ}{}", channel("a", "127.0.0.1:8080"));
    assert!(only(&http).what.contains("http.address"));
    let free = format!("{EJ}{}{}", channel("a", "127.0.0.1:0"), channel("b", "127.0.0.1:0"));
    load(&Sources { text: Some(("two free ports", free)), ..Sources::default() }).unwrap();
}

#[test]
fn an_ej_that_is_not_declared_or_told_apart_is_found() {
    let channel = "[[channel]]\nid = \"a\"\nejs = [\"EJ9\"]\nsource = { type = \"mllp\", address = \"127.0.0.1:5600\" }\n";
    assert!(only(&format!("{EJ}{channel}")).what.contains("EJ9"));
    let twice = format!("{EJ}{}", EJ.replace("699000014", "699000022"));
    assert!(only(&twice).what.contains("already"));
    let same_finess = format!("{EJ}{}", EJ.replace("EJ1", "EJ2"));
    assert!(only(&same_finess).what.contains("699000014"));
}

#[test]
fn text_that_is_no_toml_is_told_with_line_and_column() {
    let problem = only("data_dir = \"x\"\n[journal\nsegment_bytes = 5\n");
    assert!(problem.source.starts_with("site.toml:2:"), "{}", problem.source);
    assert!(problem.what.contains("not TOML"), "{}", problem.what);
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let sources = Sources { file: Some("no/such/file.toml".into()), ..Sources::default() };
    let error = load(&sources).unwrap_err();
    assert!(error.to_string().contains("no/such/file.toml"), "{error}");
}

#[test]
fn a_flag_wins_over_the_file_and_is_named_as_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, "[flow]\nretention_days = 7\n").unwrap();
    let flags = vec![("flow.retention_days".to_owned(), "9".to_owned())];
    let sources = Sources { file: Some(file), flags, ..Sources::default() };
    assert_eq!(load(&sources).unwrap().config.flow.retention_days, 9);
    let flags = vec![("flow.retention_day".to_owned(), "9".to_owned())];
    let error = load(&Sources { flags, ..Sources::default() }).unwrap_err();
    assert_eq!(error.problems[0].source, "a flag");
    assert_eq!(error.problems[0].nearest.as_deref(), Some("retention_days"));
}

#[test]
fn keys_and_values_within_an_ej_are_told_with_value_and_file() {
    let problem = only(&format!("{EJ}strict_sendr = true\n"));
    assert!(problem.what.contains("true"), "{}", problem.what);
    let problem = only(&format!("{EJ}time_zone = \"Europe/Pariss\"\n"));
    assert_eq!((&*problem.key, &*problem.source), ("ej.0", "site.toml"));
}

#[test]
fn an_address_that_is_none_is_told_with_its_value() {
    let problem = only("[http]\naddress = \"localhost\"\n");
    assert_eq!(problem.key, "http.address");
    assert!(problem.what.contains("\"localhost\""), "{}", problem.what);
}

#[test]
fn a_key_whose_dots_became_underscores_is_recognised() {
    let problem = only("http_address = \"127.0.0.1:9\"\n");
    assert_eq!(problem.nearest.as_deref(), Some("http.address"));
}

#[test]
fn ids_that_begin_with_a_dot_are_refused_as_the_journal_has_its_own() {
    for id in [".operator", ".", ".."] {
        let problem = only(&EJ.replace("\"EJ1\"", &format!("\"{id}\"")));
        assert!(problem.what.contains("begins with a dot"), "{}", problem.what);
    }
}

#[test]
fn what_other_machines_could_reach_without_leave_is_found_before_anything_is_bound() {
    let problem = only("[http]\naddress = \"0.0.0.0:8080\"\n");
    assert_eq!(problem.key, "http.address");
    assert!(problem.what.contains("http.tls.certificate"), "{}", problem.what);
    let channel = "[[channel]]\nid = \"a\"\nejs = [\"EJ1\"]\nsource = { type = \"mllp\", address = \"0.0.0.0:5600\" }\n";
    let problem = only(&format!("{EJ}{channel}"));
    assert_eq!(problem.key, "channel.0.source.address");
    assert!(problem.what.contains("allow_plaintext_off_loopback"), "{}", problem.what);
}

#[test]
fn bounds_of_state_and_flow_that_nothing_could_work_with_are_found() {
    assert_eq!(only("[state]\nflush_every_ms = 0\n").key, "state.flush_every_ms");
    assert_eq!(only("[state]\ndirty_bytes_cut = 999999999\n").key, "state.dirty_bytes_max");
    assert_eq!(only("[flow]\ncontrol_ids_max = 0\n").key, "flow.control_ids_max");
    assert_eq!(only("[flow]\ndead_letters_max = 0\n").key, "flow.dead_letters_max");
    let problem = only("[flow]\nlag_records_max = 5\n");
    assert!(problem.what.contains("lag_pushback_records"), "{}", problem.what);
}

#[test]
fn an_ej_named_twice_by_one_channel_is_found() {
    let channel = "[[channel]]\nid = \"a\"\nejs = [\"EJ1\", \"EJ1\"]\nsource = { type = \"mllp\", address = \"127.0.0.1:5600\" }\n";
    assert!(only(&format!("{EJ}{channel}")).what.contains("twice"));
}

#[test]
fn a_step_that_cannot_be_used_is_told_with_its_key() {
    let channel = "[[channel]]\nid = \"EJ1.mllp\"\nejs = [\"EJ1\"]\nsource = { type = \"mllp\", address = \"127.0.0.1:0\" }\n";
    let step = |step: &str| only(&format!("{EJ}{channel}[[channel.step]]\n{step}\n"));
    let problem = step("type = \"set\"\nat = \"PID\"\ntext = \"x\"");
    assert_eq!((&*problem.key, &*problem.what), ("channel.0.step.0.at", "names no field"));
    assert_eq!(problem.source, "site.toml");
    let problem = step("type = \"set\"\nat = \"PID-5\"\ntxt = \"x\"");
    assert!(problem.to_string().contains("txt"), "{problem}");
    let problem = step("type = \"sett\"\nat = \"PID-5\"");
    assert!(problem.to_string().contains("sett"), "{problem}");
}

/// The problems of a configuration with `EJ` in its main file and these channel files.
fn problems_of_files(files: &[(&str, &str)]) -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.toml");
    std::fs::write(&file, EJ).unwrap();
    std::fs::create_dir(folder.path().join("channels")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join("channels").join(name), text).unwrap();
    }
    match load(&Sources { file: Some(file), ..Sources::default() }) {
        Ok(_) => Vec::new(),
        Err(error) => {
            let short = |mut problem: Problem| {
                let folder = format!("{}/channels/", folder.path().display());
                problem.source = problem.source.replace(&folder, "");
                problem.what = problem.what.replace(&folder, "");
                problem
            };
            error.problems.into_iter().map(short).collect()
        }
    }
}

fn one(id: &str, port: u16) -> String {
    format!(
        "id = \"{id}\"\nejs = [\"EJ1\"]\n[source]\ntype = \"mllp\"\naddress = \"127.0.0.1:{port}\"\n"
    )
}

#[test]
fn each_file_of_the_channels_folder_is_a_channel_and_what_editors_leave_is_not() {
    let (a, b) = (one("a", 5600), one("b", 5602));
    let left = [(".a.toml.swp", "x"), ("a.toml~", "x"), (".a.toml", "x"), ("readme.md", "x")];
    let files = [&[("a.toml", &*a), ("b.toml", &*b)][..], &left].concat();
    assert_eq!(problems_of_files(&files), []);
}

#[test]
fn what_is_wrong_with_a_channel_file_is_told_with_file_and_line() {
    let only = |text: &str| {
        let mut found = problems_of_files(&[("a.toml", text), ("b.toml", &one("b", 5602))]);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    };
    let step = "[[step]]\ntype = \"filter\"\ndrop = { event = [\"A08\"] }\n";
    let wrong = "[[step]]\ntype = \"set\"\nat = \"PID\"\ntext = \"x\"\n";
    let problem = only(&format!("{}{step}{wrong}", one("a", 5600)));
    assert_eq!((&*problem.key, &*problem.source), ("step.1.at", "a.toml:11"));
    let problem = only(&one("a", 5600).replace("EJ1", "EJ9"));
    assert_eq!((&*problem.key, &*problem.source), ("ejs", "a.toml:2"));
    let problem = only(&format!("idd = 1\n{}", one("a", 5600)));
    assert_eq!(problem.source, "a.toml:1:1");
    assert_eq!(problem.nearest.as_deref(), Some("id"));
    let problem = only(&one("a", 5600).replace("mllp", "mlp"));
    assert!(problem.source.starts_with("a.toml:4:"), "{problem}");
    assert_eq!(problem.nearest.as_deref(), Some("mllp"));
    let problem = only(&one("a", 5600).replace("[source]", "[source"));
    assert!(problem.source.starts_with("a.toml:3:"), "{problem}");
}

#[test]
fn two_channel_files_of_one_name_or_on_one_port_are_told_with_the_other_file() {
    let found = problems_of_files(&[("a.toml", &one("a", 5600)), ("b.toml", &one("a", 5600))]);
    let told: Vec<_> = found.iter().map(|p| (&*p.key, &*p.source, &*p.what)).collect();
    let clash = "127.0.0.1:5600 is also that of a.toml";
    assert_eq!(
        told,
        [("id", "b.toml:1", "a is already a.toml"), ("source.address", "b.toml:5", clash)]
    );
}

#[test]
fn a_folder_that_could_not_be_watched_is_told() {
    let channel = |id: &str, source: &str| {
        format!(
            "[[channel]]\nid = \"{id}\"\nejs = [\"EJ1\"]\nsource = {{ type = \"folder\", {source} }}\n"
        )
    };
    let alone = |source: &str| only(&format!("{EJ}{}", channel("a", source)));
    for (source, key, what) in [
        ("path = \"in\", in_flight_max = 0", "in_flight_max", "too small"),
        ("path = \"in\", messages_max = 70000", "messages_max", "half of flow.control_ids_max"),
        ("path = \"in\", message_bytes_max = 999999999", "message_bytes_max", "could not be kept"),
        ("path = \"in\", done = \"\"", "done", "the watched folder itself"),
        ("path = \"in\", broken = \"done\"", "broken", "the same as done"),
    ] {
        let problem = alone(source);
        assert_eq!(problem.key, format!("channel.0.source.{key}"), "{problem}");
        assert!(problem.what.contains(what), "{problem}");
    }
    let two = format!("{EJ}{}{}", channel("a", "path = \"in\""), channel("b", "path = \"in\""));
    assert_eq!(only(&two).key, "channel.1.source.path");
    let http = "[[channel]]\nid = \"h\"\nejs = [\"EJ1\"]\nsource = { type = \"http\", in_flight_max = 0 }\n";
    assert_eq!(only(&format!("{EJ}{http}")).key, "channel.0.source.in_flight_max");
}
