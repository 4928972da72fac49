-- The load that wrk sends: one request, or a pipeline of them, again and again; and its figures on one line.
-- wrk … -- DEPTH VERB [FILE [CONTENT-TYPE]]. FILE is the body of a verb that has one, else a list of ids. A run of `@` in
-- the request, if there is one, is different each time: one of the ids, or white space, which changes a signed document
-- into another that is as good.

local BITS = 31
local request_text, before, after, ids

local function one_of(words)
    return words[math.random(#words)]
end

local function white_space()
    local number, places = math.random(0, 2 ^ BITS - 1), {}
    for place = 1, BITS do
        places[place] = number % 2 == 0 and "\\t" or "\\n"
        number = math.floor(number / 2)
    end
    return table.concat(places)
end

function init(arguments)
    local depth, verb, file, kind = tonumber(arguments[1]), arguments[2], arguments[3], arguments[4]
    local body
    if kind then
        local input = assert(io.open(file, "rb"))
        body = input:read("*a")
        input:close()
        wrk.headers["Content-Type"] = kind
    elseif file then
        ids = {}
        for id in io.lines(file) do
            ids[#ids + 1] = id
        end
    end
    math.randomseed(os.time())
    -- Formatted once, so that the load costs no more than it must.
    local one = wrk.format(verb, nil, nil, body)
    request_text = one:rep(depth)
    local first, last = one:find("@+")
    if first then
        assert(depth == 1, "a pipeline has no place for what differs")
        assert(ids or last - first + 1 == 2 * BITS, "white space of another length")
        before, after = one:sub(1, first - 1), one:sub(last + 1)
    end
end

function request()
    if not before then
        return request_text
    end
    return before .. (ids and one_of(ids) or white_space()) .. after
end

function done(summary, latency)
    local errors = summary.errors
    local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    print(string.format("load: requests=%d microseconds=%d failed=%d p50=%d p99=%d",
        summary.requests, summary.duration, failed, latency:percentile(50), latency:percentile(99)))
end
