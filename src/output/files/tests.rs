use super::*;

/// A disk with room for 100 bytes per file.
fn small(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    struct Small(fs::File, usize);
    impl Write for Small {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = bytes.len().min(self.1);
            if room == 0 {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            self.1 -= room;
            self.0.write(&bytes[..room])
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }
    Ok(Box::new(Small(fs::File::create_new(path)?, 100)))
}

fn on_small_disk(target: &Path) -> FileSet {
    FileSet::begin_with(target, "run", Lock::at_once, small).unwrap()
}

fn listed(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Files with these contents, committed.
fn put(target: &Path, files: &[(&str, &str)]) -> Result<(), OutputError> {
    let mut set = FileSet::begin(target, "run")?;
    for (name, contents) in files {
        set.add(name, |w| w.write_all(contents.as_bytes()))?;
    }
    set.commit().map(|_| ())
}

fn holds(target: &Path, name: &str) -> String {
    fs::read_to_string(target.join(name)).unwrap()
}

#[test]
fn files_appear_together_at_the_end() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("a/b");
    let mut set = FileSet::begin(&target, "run").unwrap();
    set.add("pods.csv", |w| w.write_all(b"x")).unwrap();
    set.add("summary.json", |w| w.write_all(b"{}")).unwrap();
    assert!(!target.join("pods.csv").exists());
    let paths = set.commit().unwrap();
    assert_eq!(paths, [target.join("pods.csv"), target.join("summary.json")]);
    assert_eq!(listed(&target), [".evenkeel", "pods.csv", "summary.json"]);
    assert!(Whole::open(&target).is_ok());
}

#[test]
fn a_full_disk_leaves_nothing_and_names_the_file() {
    let root = tempfile::tempdir().unwrap();
    let target = root.path().join("a/b");
    let mut set = on_small_disk(&target);
    set.add("summary.json", |w| w.write_all(b"{}")).unwrap();
    let error = set.add("pods.csv", |w| w.write_all(&[b'x'; 20_000])).unwrap_err();
    assert!(error.to_string().contains(&target.join("pods.csv").display().to_string()), "{error}");
    assert!(error.is_machine());
    drop(set);
    assert_eq!(listed(root.path()), [""; 0]);
}

#[test]
fn a_failure_leaves_the_earlier_run_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    put(root.path(), &[("pods.csv", "old"), ("summary.json", "old")]).unwrap();
    fs::write(root.path().join("notes.txt"), "mine").unwrap();
    let mut set = on_small_disk(root.path());
    set.add("pods.csv", |w| w.write_all(&[b'x'; 20_000])).unwrap_err();
    drop(set);
    // The marker does not fit either.
    let mut set = on_small_disk(root.path());
    set.add("pods.csv", |w| w.write_all(b"new")).unwrap();
    set.commit().unwrap_err();
    assert_eq!(listed(root.path()), [".evenkeel", "notes.txt", "pods.csv", "summary.json"]);
    assert_eq!(holds(root.path(), "pods.csv"), "old");
    assert!(Whole::open(root.path()).is_ok());
}

#[test]
fn files_that_evenkeel_did_not_write_are_refused_by_name_and_stay() {
    let root = tempfile::tempdir().unwrap();
    // Names that commands write are no sign of who wrote them.
    for name in ["summary.json", "plan.json", ".gitignore"] {
        let folder = root.path().join(name.trim_matches('.'));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(name), "mine").unwrap();
        let refused = FileSet::begin(&folder, "run").err().unwrap();
        assert!(matches!(&refused, OutputError::Foreign { file, .. } if file.ends_with(name)), "{refused}");
        assert!(!refused.is_machine());
        assert!(matches!(Whole::open(&folder).err().unwrap(), OutputError::NoResult { .. }));
        assert_eq!((listed(&folder), holds(&folder, name)), (vec![name.to_owned()], "mine".to_owned()));
    }
}

#[test]
fn only_unchanged_files_of_a_result_are_replaced_or_removed() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    put(folder, &[("traffic.png", "old"), ("summary.json", "old")]).unwrap();
    fs::write(folder.join("runs.csv"), "mine").unwrap();
    put(folder, &[("summary.json", "new"), ("pods.csv", "new")]).unwrap();
    assert_eq!(listed(folder), [".evenkeel", "pods.csv", "runs.csv", "summary.json"]);
    // One that is in the way.
    let refused = put(folder, &[("pods.csv", "newer"), ("runs.csv", "newer")]).unwrap_err();
    assert!(matches!(&refused, OutputError::Taken { path } if path.ends_with("runs.csv")), "{refused}");
    assert_eq!((holds(folder, "pods.csv"), holds(folder, "runs.csv")), ("new".to_owned(), "mine".to_owned()));
    // One that was changed, before a set is begun and before it is committed; the same length, too.
    let mut set = FileSet::begin(folder, "run").unwrap();
    fs::write(folder.join("summary.json"), "NEW").unwrap();
    set.add("pods.csv", |w| w.write_all(b"newer")).unwrap();
    for refused in [set.commit().unwrap_err(), put(folder, &[]).unwrap_err(), Whole::open(folder).err().unwrap()] {
        assert!(matches!(&refused, OutputError::Changed { path } if path.ends_with("summary.json")), "{refused}");
    }
    assert_eq!((holds(folder, "pods.csv"), holds(folder, "summary.json")), ("new".to_owned(), "NEW".to_owned()));
    // One that is gone leaves no whole result, and nothing to lose either.
    fs::remove_file(folder.join("summary.json")).unwrap();
    let missing = Whole::open(folder).err().unwrap();
    assert!(matches!(&missing, OutputError::Missing { path } if path.ends_with("summary.json")), "{missing}");
    put(folder, &[("summary.json", "newest")]).unwrap();
    assert_eq!(listed(folder), [".evenkeel", "runs.csv", "summary.json"]);
}

#[test]
fn one_process_at_a_time_writes_into_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let one = FileSet::begin(root.path(), "run").unwrap();
    let refused = FileSet::begin(root.path(), "plan").err().unwrap();
    assert!(matches!(refused, OutputError::Busy { .. }) && !refused.is_machine(), "{refused}");
    drop(one);
    put(root.path(), &[("plan.json", "{}")]).unwrap();
    assert_eq!(listed(root.path()), [".evenkeel", "plan.json"]);
}

#[test]
fn what_a_killed_process_left_goes_and_what_another_one_uses_stays() {
    let root = tempfile::tempdir().unwrap();
    let left = root.path().join(".evenkeel-7");
    fs::create_dir_all(left.join("deep")).unwrap();
    fs::write(left.join("deep/pods.csv"), "half").unwrap();
    let lock = Lock::at_once(root.path()).unwrap();
    let used = Staging::inside(root.path(), &lock).unwrap().locked();
    drop(lock);
    fs::write(used.path("000001.json"), "half").unwrap();
    put(root.path(), &[("summary.json", "{}")]).unwrap();
    assert_eq!(listed(root.path()), [".evenkeel", used.name().as_str(), "summary.json"]);
}

/// A marker that was made by hand cannot reach outside of its folder.
#[test]
fn markers_name_files_of_their_folder_only() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("a");
    put(&folder, &[("x", "1")]).unwrap();
    let good = marker::read(&folder).unwrap().unwrap();
    let print = good.files["x"].clone();
    let pending = |staging: &str, part: &str| Pending {
        staging: staging.to_owned(),
        replaces: Files::new(),
        parts: BTreeMap::from([(part.to_owned(), ".evenkeel-0".to_owned())]),
        leaves: BTreeSet::new(),
    };
    let leaves = |part: &str| Pending { leaves: BTreeSet::from([part.to_owned()]), ..pending(".evenkeel-0", "b") };
    for (name, pending) in [
        ("../x", None),
        ("a/x", None),
        ("/x", None),
        ("", None),
        (".", None),
        ("x", Some(pending("..", "b"))),
        ("x", Some(pending(".evenkeel-0/..", "b"))),
        ("x", Some(pending(".evenkeel-0", ".."))),
        ("x", Some(leaves(".."))),
        ("x", Some(leaves("b/c"))),
    ] {
        let marker = Marker { files: Files::from([(name.to_owned(), print.clone())]), pending, ..good.clone() };
        fs::write(folder.join(MARKER), sealed::seal(&marker).unwrap()).unwrap();
        let refused = FileSet::begin(&folder, "run").err().unwrap();
        assert!(matches!(refused, OutputError::Malformed { .. }), "{name:?}: {refused}");
    }
}

/// A comparison of `a` and `b`, then one of `a` only: what is left of `b` goes, but for what evenkeel did not write.
#[test]
fn folders_that_belonged_to_the_earlier_result_go() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out");
    let compare = |names: &[&str]| {
        let mut whole = FileSet::begin(&folder, "compare").unwrap();
        whole.add("compare.json", |w| w.write_all(names.concat().as_bytes())).unwrap();
        let part = |name: &&str| {
            let mut part = FileSet::begin(&folder.join(name), "compare").unwrap();
            part.add("summary.json", |w| w.write_all(b"{}")).unwrap();
            part
        };
        let parts = names.iter().map(part).collect();
        whole.commit_with(parts).unwrap();
    };
    compare(&["a", "b", "c", "d"]);
    put(&folder.join("mine"), &[("summary.json", "a run of its own")]).unwrap();
    fs::write(folder.join("c/notes.txt"), "mine").unwrap();
    fs::write(folder.join("d/summary.json"), "changed").unwrap();
    compare(&["a"]);
    assert_eq!(listed(&folder), [".evenkeel", "a", "c", "compare.json", "d", "mine"]);
    assert_eq!(listed(&folder.join("c")), ["notes.txt"]);
    assert_eq!(listed(&folder.join("d")), [".evenkeel", "summary.json"], "it is not what was written");
    assert_eq!(listed(&folder.join("mine")), [".evenkeel", "summary.json"]);
    // Whatever takes the place of a comparison.
    put(&folder, &[("summary.json", "{}")]).unwrap();
    assert_eq!(listed(&folder), [".evenkeel", "c", "d", "mine", "summary.json"]);
}

#[test]
fn an_impossible_folder_is_refused_at_once() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = FileSet::begin(&file.join("sub"), "run").err().unwrap();
    assert!(error.to_string().starts_with("cannot make the folder"), "{error}");
    let error = FileSet::begin(&file, "run").err().unwrap();
    assert!(matches!(error, OutputError::Io { .. }), "{error}");
    for error in [error, write_file(&file.join("x.svg"), b"").unwrap_err()] {
        assert!(!error.to_string().contains(".evenkeel-"), "the temporary file's name: {error}");
    }
}

#[test]
fn one_file_is_replaced_whole() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("x.svg");
    write_file(&path, b"one").unwrap();
    write_file(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(listed(root.path()), ["x.svg"]);
}
