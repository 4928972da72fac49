-- The load that wrk sends: one request, or a pipeline of them, again and again; and its figures on one line.
-- wrk … -- DEPTH VERB BODY-FILE CONTENT-TYPE, the last two for a verb that has a body.

local pipeline

function init(arguments)
    local depth, verb, file, kind = tonumber(arguments[1]), arguments[2], arguments[3], arguments[4]
    local body
    if file then
        local input = assert(io.open(file, "rb"))
        body = input:read("*a")
        input:close()
        wrk.headers["Content-Type"] = kind
    end
    -- Formatted once, so that the load costs no more than it must.
    pipeline = wrk.format(verb, nil, nil, body):rep(depth)
end

function request()
    return pipeline
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    print(string.format("load: requests=%d microseconds=%d failed=%d p50=%d p99=%d",
        summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
