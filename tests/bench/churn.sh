#!/usr/bin/env bash
# tests/bench/churn.sh -- clients come, join and go, a million times: the server must end as small as it was.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)

usage() {
    cat <<'TEXT'
usage: tests/bench/churn.sh [--cycles N] [--clients C] [--step S] [--slack KIB] [-- COMMAND...]
  --cycles   clients that connect, join and leave, in all (1000000)
  --clients  of them at once (256)
  --step     seconds between two looks at the server's memory (10)
  --slack    KiB by which the server may be larger at the end than after the first 20,000 (1024)
  COMMAND    the server (default: $SIOC_BIN or build/release/sioc with examples/bench/bench.lua)
TEXT
}

cycles=1000000 clients=256 step=10 slack=1024
while [ $# -gt 0 ]; do
    case $1 in
    --cycles) cycles=${2:?} && shift ;;
    --clients) clients=${2:?} && shift ;;
    --step) step=${2:?} && shift ;;
    --slack) slack=${2:?} && shift ;;
    --) shift && break ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
[ $# -gt 0 ] ||
    set -- "${SIOC_BIN:-$root/build/release/sioc}" "$root/examples/bench/bench.lua" --port 0 --log-level warn

. "$root/tests/bench/lib.sh"

resident() {
    awk '/^VmRSS/ { print $2 }' "/proc/$server_pid/status"
}

# Connects for so many seconds; adds to `sum`.
connects() {
    generator --mode connect --clients "$clients" --seconds "$1" --warmup 0 --open-timeout 60 ||
        { cat "$bench_tmp/result" >&2; echo "churn: FAILED"; exit 1; }
    sum=$((sum + $(result messages)))
}

bench_build_alone
bench_raise_files
server_start "$@" || exit 1
sum=0
new=$(resident)
while [ "$sum" -lt 20000 ] && [ "$sum" -lt "$cycles" ]; do connects 1; done
first=$(resident)
echo "cycles 0: $new KiB; $sum: $first KiB"
while [ "$sum" -lt "$cycles" ]; do
    connects "$step"
    echo "cycles $sum: $(resident) KiB"
done
sleep 1 # what closes gently is gone
last=$(resident)
server_alive || { echo "churn: the server is gone" >&2; exit 1; }
server_stop 100
[ "$server_status" = 0 ] || { tail -n 20 "$bench_tmp/err" >&2; echo "churn: the server ended with $server_status"; exit 1; }
echo "after $sum cycles: $last KiB, $((last - first)) KiB more than after the first"
if [ $((last - first)) -gt "$slack" ]; then
    echo "churn: FAILED"
    exit 1
fi
echo "churn: passed"
