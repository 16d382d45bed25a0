# The release binary that the proofs below start.
set -euo pipefail
cargo build --release
cargo run --release -- demo --exit --http 127.0.0.1:0 --mllp-base 0
