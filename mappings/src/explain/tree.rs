//! What a rendered resource is made of: its leaves, and what differs from another.

use crate::json::Tree;

impl Tree {
    /// Every leaf with its path.
    pub fn leaves(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.walk(&mut String::new(), &mut |path, value| {
            found.push((path.to_owned(), value.to_string()));
        });
        found
    }

    fn walk(&self, path: &mut String, take: &mut impl FnMut(&str, &serde_json::Value)) {
        match self {
            Self::Leaf(value) => take(path, value),
            Self::Object(entries) => {
                for (key, value) in entries {
                    // The path says both already.
                    if path.is_empty() && key == "resourceType"
                        || path.ends_with(')') && key == "url"
                    {
                        continue;
                    }
                    within(path, key, |path| value.walk(path, take));
                }
            }
            Self::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    item.within_list(path, at, |path| item.walk(path, take));
                }
            }
        }
    }

    /// An item of a list is named by its place, an extension by the last part of its URL too.
    fn within_list(&self, path: &mut String, at: usize, inside: impl FnOnce(&mut String)) {
        let length = path.len();
        path.push_str(&format!("[{at}]"));
        if let Some(url) = self.text("url") {
            let name = url.rsplit(['/', ':']).next().unwrap_or(url);
            path.push_str(&format!("({name})"));
        }
        inside(path);
        path.truncate(length);
    }

    /// Tells each leaf in which the two differ: `gone` by its path in `self` (changed, or not in
    /// the other), `come` by its path in `other`, where `self` has nothing in its place.
    ///
    /// Items of lists that are equal stand for each other wherever they are, the others in their
    /// order, so that one that is gone does not make all after it differ.
    pub(super) fn differences(&self, other: &Self, found: &mut Differences) {
        self.compare(other, &mut String::new(), found);
    }

    fn compare(&self, other: &Self, path: &mut String, found: &mut Differences) {
        match (self, other) {
            (Self::Leaf(one), Self::Leaf(two)) => {
                if one != two {
                    found.changed.push(path.clone());
                }
            }
            (Self::Object(one), Self::Object(two)) => {
                for (key, value) in one {
                    within(path, key, |path| match other.get(key) {
                        Some(in_other) => value.compare(in_other, path, found),
                        None => value.walk(path, &mut |path, _| found.gone.push(path.to_owned())),
                    });
                }
                for (key, value) in two.iter().filter(|(key, _)| self.get(key).is_none()) {
                    within(path, key, |path| {
                        value.walk(path, &mut |path, _| found.come.push(path.to_owned()));
                    });
                }
            }
            (Self::Array(one), Self::Array(two)) => compare_lists(one, two, path, found),
            _ => {
                self.walk(path, &mut |path, _| found.gone.push(path.to_owned()));
                other.walk(path, &mut |path, _| found.come.push(path.to_owned()));
            }
        }
    }
}

fn compare_lists(one: &[Tree], two: &[Tree], path: &mut String, found: &mut Differences) {
    let mut free: Vec<(usize, &Tree)> = two.iter().enumerate().collect();
    let mut unequal = Vec::new();
    for (at, item) in one.iter().enumerate() {
        match free.iter().position(|(_, other)| *other == item) {
            Some(same) => {
                free.remove(same);
            }
            None => unequal.push((at, item)),
        }
    }
    let mut free = free.into_iter();
    for (at, item) in unequal {
        match free.next() {
            Some((_, other)) => item.within_list(path, at, |path| item.compare(other, path, found)),
            None => item.within_list(path, at, |path| {
                item.walk(path, &mut |path, _| found.gone.push(path.to_owned()));
            }),
        }
    }
    for (at, item) in free {
        item.within_list(path, at, |path| {
            item.walk(path, &mut |path, _| found.come.push(path.to_owned()));
        });
    }
}

fn within(path: &mut String, key: &str, inside: impl FnOnce(&mut String)) {
    let length = path.len();
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
    inside(path);
    path.truncate(length);
}

/// Paths of leaves.
#[derive(Default)]
pub(super) struct Differences {
    /// In both, and not the same.
    pub changed: Vec<String>,
    /// In the one only.
    pub gone: Vec<String>,
    /// In the other only.
    pub come: Vec<String>,
}

/// `name[0].family` → `name.family`; `extension[2](place).valueString` → `extension(place).valueString`.
pub(super) fn without_places(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text
}

/// Where the parts of a path end: at its dots, those within the name of an extension apart.
pub(super) fn ends(path: &str) -> impl Iterator<Item = usize> + '_ {
    let mut depth = 0_usize;
    path.char_indices().filter_map(move |(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (c == '.' && depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(one: &str, two: &str) -> Differences {
        let mut found = Differences::default();
        let read = |text: &str| Tree::read(text.as_bytes()).unwrap();
        read(one).differences(&read(two), &mut found);
        found
    }

    #[test]
    fn an_item_that_is_gone_does_not_make_those_after_it_differ() {
        let found = differences(r#"{"a":[{"b":1},{"b":2},{"b":3}]}"#, r#"{"a":[{"b":2},{"b":3}]}"#);
        assert_eq!(found.gone, ["a[0].b"]);
        assert!(found.changed.is_empty() && found.come.is_empty());
    }

    #[test]
    fn extensions_are_named_by_their_url() {
        let one = r#"{"extension":[{"url":"http://x/y/place","valueString":"A"}]}"#;
        let found = differences(one, &one.replace('A', "B"));
        assert_eq!(found.changed, ["extension[0](place).valueString"]);
        assert_eq!(without_places("name[0].given[12]"), "name.given");
    }

    #[test]
    fn a_leaf_is_named_by_its_path_which_says_the_type_and_the_url_already() {
        let json = r#"{"resourceType":"A","url":"u","b":{"resourceType":"C","url":"v"},
            "extension":[{"url":"urn:x:place","valueCode":"p","on":{"url":"w"}}],"l":[1,[2]]}"#;
        let leaves = Tree::read(json.as_bytes()).unwrap().leaves();
        let shown: Vec<String> =
            leaves.iter().map(|(path, value)| format!("{path}={value}")).collect();
        assert_eq!(
            shown,
            [
                "url=\"u\"",
                "b.resourceType=\"C\"",
                "b.url=\"v\"",
                "extension[0](place).valueCode=\"p\"",
                "extension[0](place).on.url=\"w\"",
                "l[0]=1",
                "l[1][0]=2",
            ]
        );
    }

    #[test]
    fn what_is_in_the_one_only_is_gone_and_in_the_other_only_has_come() {
        let shown = |one: &str, two: &str| {
            let found = differences(one, two);
            [found.changed, found.gone, found.come].map(|paths| paths.join(" "))
        };
        assert_eq!(shown(r#"{"a":1,"b":2}"#, r#"{"b":2,"c":3}"#), ["", "a", "c"]);
        assert_eq!(shown(r#"{"a":1}"#, r#"{"a":2}"#), ["a", "", ""]);
        assert_eq!(shown(r#"{"a":1}"#, r#"{"a":{"b":2}}"#), ["", "a", "a.b"]);
        assert_eq!(shown(r#"{"a":[{"b":1}]}"#, r#"{"a":[{"b":1},{"b":2}]}"#), ["", "", "a[1].b"]);
        assert_eq!(shown(r#"{"a":[1,2]}"#, r#"{"a":[2,3]}"#), ["a[0]", "", ""]);
        assert_eq!(shown(r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#), ["", "", ""]);
    }

    #[test]
    fn a_part_of_a_path_ends_at_a_dot_that_is_not_in_a_name() {
        assert_eq!(ends("a.b(c.d(e.f).g).h.i").collect::<Vec<_>>(), [1, 15, 17]);
        assert_eq!(ends("a).b").collect::<Vec<_>>(), [2]);
    }
}
