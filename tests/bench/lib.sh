# tests/bench/lib.sh -- for soak.sh and selftest.sh: build the generator, start and stop servers.
# Sourced with $root set to the repository.  Servers are ended by their own pid only.

bench_bin=$root/build/bench/bench # bench_client and bench_limit, built by themselves
bench_tmp=$(mktemp -d)
server_pid=
trap 'server_stop; rm -rf "$bench_tmp"' EXIT
trap 'exit 130' INT TERM

die() {
    echo "$(basename "$0"): $*" >&2
    exit 2
}

# The generator and the limit servers need nothing of sioc, and so are no part of what is measured.
bench_build_alone() {
    cmake -S "$root/tests/bench" -B "$root/build/bench" -G Ninja >"$bench_tmp/build" 2>&1 &&
        cmake --build "$root/build/bench" >>"$bench_tmp/build" 2>&1 ||
        { cat "$bench_tmp/build" >&2; die "the load generator does not build"; }
}

# A run needs two descriptors more than it has clients, on either side.
bench_raise_files() {
    ulimit -Sn "$(ulimit -Hn)" 2>/dev/null || true
}

# Pins to one core, where there are two: pinned CORE COMMAND...
pinned() {
    local core=$1
    shift
    if [ "$(nproc)" -ge 2 ]; then exec taskset -c "$core" "$@"; fi
    exec "$@"
}

# server_start COMMAND...: sets server_pid and server_port, or fails with the server's own words.
server_start() {
    : >"$bench_tmp/out"
    (pinned 0 "$@") >"$bench_tmp/out" 2>"$bench_tmp/err" &
    server_pid=$!
    local i
    for ((i = 0; i < 100; i++)); do
        server_port=$(sed -n 's!^listening on http://.*:\([0-9]*\)$!\1!p' "$bench_tmp/out")
        [ -n "$server_port" ] && return 0
        kill -0 "$server_pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "no 'listening on' line from: $*" >&2
    tail -n 20 "$bench_tmp/out" "$bench_tmp/err" >&2
    server_stop
    return 1
}

server_alive() {
    kill -0 "$server_pid" 2>/dev/null
}

# Sets server_status to its exit code; 137 when it had to be killed.
server_stop() {
    server_status=0
    [ -n "$server_pid" ] || return 0
    kill -TERM "$server_pid" 2>/dev/null
    local i
    for ((i = 0; i < ${1:-50}; i++)); do
        server_alive || break
        sleep 0.1
    done
    kill -KILL "$server_pid" 2>/dev/null
    wait "$server_pid" 2>/dev/null
    server_status=$?
    server_pid=
}

# generator ARGS...: against the running server; its JSON goes to $bench_tmp/result.
generator() {
    (pinned 1 "$bench_bin/bench_client" "http://127.0.0.1:$server_port" --pid "$server_pid" \
        --json "$@") >"$bench_tmp/result"
}

# One value of the last result, '-' when it has none.
result() {
    sed -n "s/.*\"$1\":\"*\([^,\"}]*\).*/\1/p" "$bench_tmp/result" | grep . || echo -
}
