# tests/bench/tables.awk -- the tables of scripts/bench.
#   in    "row NAME MODE CLIENTS IN_FLIGHT BYTES BAR" and then, for every run,
#         "NAME PEER VERDICT COST RATE P50 P99"; '-' is an unknown number
#   -v    kind=main|latency, names="rows to show, in order"
# A row in which any run of a peer went wrong shows that instead of its numbers.

$1 == "row" {
    mode[$2] = $3; clients[$2] = $4; in_flight[$2] = $5; bytes[$2] = $6; bar[$2] = $7
    next
}
{
    key = $1 SUBSEP $2
    if ($3 != "ok") bad[key] = toupper($3)
    n = ++runs[key]
    cost[key, n] = $4; rate[key, n] = $5; p50[key, n] = $6; p99[key, n] = $7
    measured[$2] = 1
}

function median(values, key,    n, i, j, sorted, swap) {
    n = runs[key]
    for (i = 1; i <= n; i++) sorted[i] = values[key, i] + 0
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && sorted[j] < sorted[j - 1]; j--) {
            swap = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = swap
        }
    return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function title(name) {
    if (mode[name] == "idle") return "idle " clients[name] " clients, bytes of RSS each"
    if (mode[name] == "connect") return "connect and join, " clients[name] " at once"
    return mode[name] " " clients[name] " × " in_flight[name] " in flight, " bytes[name] " B"
}

function thousands(value) {
    return value >= 10000 ? sprintf("%.0fk", value / 1000) : sprintf("%.1fk", value / 1000)
}

function main_cell(name, peer,    key) {
    key = name SUBSEP peer
    if (bad[key]) return bad[key]
    if (!runs[key]) return "-"
    if (mode[name] == "idle") return sprintf("%.0f", median(cost, key))
    return sprintf("%.2f / %s", median(cost, key), thousands(median(rate, key)))
}

function latency_cell(name, peer,    key) {
    key = name SUBSEP peer
    if (bad[key]) return bad[key]
    if (!runs[key]) return "-"
    return sprintf("%s, %.2f / %.2f", thousands(median(rate, key)),
                   median(p50, key) / 1000, median(p99, key) / 1000)
}

# How many times dearer the first is than the second.
function ratio(name, dear, cheap,    a, b) {
    a = name SUBSEP dear; b = name SUBSEP cheap
    if (!runs[a] || !runs[b] || bad[a] || bad[b] || median(cost, b) <= 0) return "-"
    return sprintf("%.2f", median(cost, a) / median(cost, b))
}

function wanted(name) {
    if (bar[name] == "-") return "-"
    if (mode[name] == "idle") return "≤ " bar[name] " bytes"
    return "node ÷ sioc ≥ " bar[name]
}

END {
    count = split(names, shown, " ")
    peers = split("sioc node limit limit-co", peer, " ")
    if (kind == "main") {
        print "| work | sioc | node | limit | limit-co | node ÷ sioc | sioc ÷ limit | sioc ÷ limit-co | node ÷ limit | node ÷ limit-co | bar |"
        print "|---|---|---|---|---|---|---|---|---|---|---|"
    } else {
        print "| work | sioc | node | limit | limit-co |"
        print "|---|---|---|---|---|"
    }
    for (i = 1; i <= count; i++) {
        name = shown[i]
        if (kind == "latency" && mode[name] == "idle") continue
        line = "| " title(name)
        for (p = 1; p <= peers; p++)
            line = line " | " (kind == "main" ? main_cell(name, peer[p]) : latency_cell(name, peer[p]))
        if (kind == "main")
            line = line " | " ratio(name, "node", "sioc") " | " ratio(name, "sioc", "limit") \
                " | " ratio(name, "sioc", "limit-co") " | " ratio(name, "node", "limit") \
                " | " ratio(name, "node", "limit-co") " | " wanted(name)
        print line " |"
    }
}
