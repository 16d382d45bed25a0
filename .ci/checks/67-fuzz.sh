# Each fuzz target, ten minutes, in the long run (PROOFS_LONG=1): building them takes longer than all the other checks. The
# same targets over their seeds, a little changed, are part of `cargo test`.
set -euo pipefail
cd channels/fuzz
if [ -z "${PROOFS_LONG:-}" ]; then
  echo "SKIPPED: only in the long run (PROOFS_LONG=1)"
  exit 0
fi
if ! cargo +nightly fuzz --version > /dev/null 2>&1; then
  echo "SKIPPED: cargo-fuzz or a nightly toolchain is not installed (docs/fuzzing.md)"
  exit 0
fi
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
for target in frame message path step script; do
  mkdir "$corpus/$target"
  cargo +nightly fuzz run --fuzz-dir . "$target" "$corpus/$target" "seeds/$target" -- \
    -max_total_time=600 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
done
