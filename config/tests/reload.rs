//! Channel files read again: a bad one leaves what runs of it, and what is new gives way.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

use std::path::PathBuf;

use sluice_config::{Config, Reloaded, Sources, Written, load, reload};

const MAIN: &str = "[[ej]]\nid = \"EJ1\"\nname = \"One\"\n";

struct Site {
    folder: tempfile::TempDir,
    config: Config,
    running: Vec<Written>,
}

impl Site {
    /// Two channels, `a` on 5600 and `b` on 5602.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("site.toml"), MAIN).unwrap();
        std::fs::create_dir(folder.path().join("channels")).unwrap();
        let mut site = Self { folder, config: Config::default(), running: Vec::new() };
        site.write("a", &one("a", 5600));
        site.write("b", &one("b", 5602));
        let loaded = load(&site.sources()).unwrap();
        site.running = loaded.config.channel.iter().cloned().zip(loaded.files).collect();
        site.config = loaded.config;
        site
    }

    fn sources(&self) -> Sources {
        Sources { file: Some(self.folder.path().join("site.toml")), ..Sources::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("channels").join(format!("{name}.toml"))
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn reload(&self) -> Reloaded {
        reload(&self.sources(), &self.config, &self.running).unwrap()
    }

    /// Takes what was read as what runs; the names, ports and files of it, and the bad files.
    fn applied(&mut self) -> (Vec<(String, u16, String)>, Vec<String>) {
        let Reloaded { channels, bad, .. } = self.reload();
        let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        self.running = channels;
        let mut runs: Vec<_> = self
            .running
            .iter()
            .map(|(channel, file)| {
                let port = channel.mllp().unwrap().address.port();
                (channel.id.to_string(), port, file.as_ref().map(name).unwrap())
            })
            .collect();
        runs.sort();
        (runs, bad.iter().map(|bad| name(&bad.path)).collect())
    }
}

fn one(id: &str, port: u16) -> String {
    format!(
        "id = \"{id}\"\nejs = [\"EJ1\"]\n[source]\ntype = \"mllp\"\naddress = \"127.0.0.1:{port}\"\n"
    )
}

fn runs(runs: &[(&str, u16, &str)]) -> Vec<(String, u16, String)> {
    runs.iter().map(|(id, port, file)| ((*id).to_owned(), *port, (*file).to_owned())).collect()
}

#[test]
fn a_bad_file_leaves_what_runs_of_it_and_the_others_change() {
    let mut site = Site::new();
    for bad in ["id = ", "", &one("a", 5600).replace("EJ1", "EJ9")] {
        site.write("a", bad);
        site.write("b", &one("b", 5604));
        let (running, bad) = site.applied();
        assert_eq!(running, runs(&[("a", 5600, "a"), ("b", 5604, "b")]));
        assert_eq!(bad, ["a"]);
    }
    site.write("a", &one("a", 5608));
    let (running, bad) = site.applied();
    assert_eq!(running, runs(&[("a", 5608, "a"), ("b", 5604, "b")]));
    assert!(bad.is_empty());
}

#[test]
fn what_is_new_gives_way_to_what_runs_whatever_its_files_name() {
    let mut site = Site::new();
    site.write("0", &one("a", 5610));
    let (running, bad) = site.applied();
    assert_eq!((running, bad), (runs(&[("a", 5600, "a"), ("b", 5602, "b")]), vec!["0".to_owned()]));
    site.write("0", &one("c", 5602));
    let (running, bad) = site.applied();
    assert_eq!((running, bad), (runs(&[("a", 5600, "a"), ("b", 5602, "b")]), vec!["0".to_owned()]));
    site.write("0", &one("c", 5610));
    assert_eq!(site.applied().0, runs(&[("a", 5600, "a"), ("b", 5602, "b"), ("c", 5610, "0")]));
}

#[test]
fn ports_are_traded_a_file_is_renamed_and_one_that_is_gone_is_gone() {
    let mut site = Site::new();
    site.write("a", &one("a", 5602));
    site.write("b", &one("b", 5600));
    assert_eq!(site.applied().0, runs(&[("a", 5602, "a"), ("b", 5600, "b")]));
    std::fs::rename(site.path("a"), site.path("z")).unwrap();
    assert_eq!(site.applied().0, runs(&[("a", 5602, "z"), ("b", 5600, "b")]));
    std::fs::remove_file(site.path("b")).unwrap();
    assert_eq!(site.applied().0, runs(&[("a", 5602, "z")]));
}

#[test]
fn what_needs_a_restart_is_named_and_a_bad_main_file_changes_nothing() {
    let site = Site::new();
    let main = site.folder.path().join("site.toml");
    let changed = format!("[http]\naddress = \"127.0.0.1:9\"\n{}", MAIN.replace("One", "Two"));
    std::fs::write(&main, changed).unwrap();
    assert_eq!(site.reload().restart, ["ej", "http.address"]);
    std::fs::write(&main, "[[ej]").unwrap();
    let refused = reload(&site.sources(), &site.config, &site.running).unwrap_err();
    assert!(refused.to_string().contains("site.toml:1"), "{refused}");
}
