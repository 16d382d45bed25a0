# The oracle agrees with every case, and the demonstration's feeds are what their script writes.
set -euo pipefail
python3 fixtures/oracle/check_cases.py
python3 fixtures/feeds/make_demo.py --check
