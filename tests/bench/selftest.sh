#!/usr/bin/env bash
# tests/bench/selftest.sh -- the benchmark's checks can fail: against a server that answers rightly
# every mode passes, against one that answers wrongly once in a while every mode fails.
# Usage: selftest.sh [FOLDER with bench_client and bench_limit].  Asserts no timing.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/bench/lib.sh"
if [ $# -gt 0 ]; then bench_bin=$1; else bench_build_alone; fi

bad=0
# expect EXIT_CODE 'SERVER OPTIONS' GENERATOR OPTIONS...
expect() {
    local wanted=$1 options=$2 got
    shift 2
    # shellcheck disable=SC2086 # several options in one word
    server_start "$bench_bin/bench_limit" $options || exit 1
    generator --clients 20 --seconds 0.2 --warmup 0.1 "$@" 2>/dev/null
    got=$?
    server_stop
    [ "$got" = "$wanted" ] && return
    echo "selftest: exit $got instead of $wanted: bench_limit $options, generator $*" >&2
    cat "$bench_tmp/result" >&2
    bad=1
}

for coalesce in '' --coalesce; do
    for mode in echo ack fanout; do
        expect 0 "$coalesce" --mode $mode --in-flight 4
    done
    expect 0 "$coalesce" --mode connect --clients 8
done
for mode in echo ack fanout; do
    expect 0 --coalesce --mode $mode --bytes 70000 --clients 5
    for fault in corrupt drop twice hangup; do
        expect 1 "--coalesce --fault $fault --fault-every 20" --mode $mode --in-flight 4
    done
done
expect 0 '' --mode idle
expect 0 '' --mode echo --rate 2000
expect 1 '--fault drop --fault-every 20' --mode echo --rate 2000
# The last answer of a client is missing: nothing follows it that could be out of order.
expect 1 '--fault drop --fault-every 20' --mode echo --in-flight 1 --clients 1

[ $bad = 0 ] && echo "selftest: passed"
exit $bad
