# Each fuzz target: ten minutes in the long run (PROOFS_LONG=1), else as long as it takes to see that it runs.
set -euo pipefail
cd channels/fuzz
if ! cargo +nightly fuzz --version > /dev/null 2>&1; then
  echo "SKIPPED: cargo-fuzz or a nightly toolchain is not installed (docs/fuzzing.md)"
  exit 0
fi
seconds=$([ -n "${PROOFS_LONG:-}" ] && echo 600 || echo 5)
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
for target in frame message path step script; do
  mkdir "$corpus/$target"
  cargo +nightly fuzz run --fuzz-dir . "$target" "$corpus/$target" "seeds/$target" -- \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
done
