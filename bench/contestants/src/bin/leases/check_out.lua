-- Checks a lease out. KEYS: the application, its leases by holder, all leases by their end.
-- ARGV: the id of a new lease, the holder, the seconds until it ends.
local now = tonumber(redis.call('TIME')[1])
local ends = now + tonumber(ARGV[3])
local held = redis.call('HGET', KEYS[2], ARGV[2])
if held then
    local fence = redis.call('HINCRBY', 'lease:' .. held, 'fence', 1)
    redis.call('HSET', 'lease:' .. held, 'expires_at', ends)
    redis.call('ZADD', KEYS[3], ends, held)
    return {held, fence}
end
local figures = redis.call('HMGET', KEYS[1], 'limit', 'used')
if tonumber(figures[2]) >= tonumber(figures[1]) then
    return redis.error_reply('all seats are taken')
end
redis.call('HINCRBY', KEYS[1], 'used', 1)
redis.call('HSET', 'lease:' .. ARGV[1], 'holder', ARGV[2], 'fence', 1, 'since', now, 'expires_at', ends)
redis.call('HSET', KEYS[2], ARGV[2], ARGV[1])
redis.call('ZADD', KEYS[3], ends, ARGV[1])
return {ARGV[1], 1}
