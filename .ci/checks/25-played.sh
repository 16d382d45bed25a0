# Every kind of measurement, small, against an engine of its own: what was sent is what it knows, and what
# it exports with and without its caches is the same. No figure of these is anybody's.
set -euo pipefail
sluice=target/release/sluice
# Neighbours on the machine make a sender late, and a run invalid (3): that is said, and is no failure here.
measured() { "$sluice" "$@" > /dev/null || { code=$?; [ "$code" = 3 ] && echo "invalid on this machine: $*"; }; }
measured bench export --patients 300 --iterations 3 --warm-up 1 --concurrency 2 --fail 'digests==1'
measured bench mllp --rates 300 --connections 4 --seconds 2 --fail 'unanswered==0' --fail 'refused==0' --fail 'state_differences==0'
measured bench fhir --patients 800 --rounds 1 --seconds 0.3 --exports 2 --connections 4 --fail 'errors==0'
measured bench scale --patients 800,1600 --rounds 1 --seconds 0.3 --readers 4 --fail 'errors==0'
mix=$(mktemp)
trap 'rm -f "$mix"' EXIT
printf '[[stage]]\nname = "short"\nseconds = 3\nsender = 100\nreader = 20\nexporter = 1\noperator = 1\n' > "$mix"
measured bench mix "$mix" --patients 200 --fail 'errors==0'
