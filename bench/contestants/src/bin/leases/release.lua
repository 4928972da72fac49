-- Gives a lease back. KEYS: the application, its leases by holder, all leases by their end.
-- ARGV: its id, the holder, the fence.
local lease = 'lease:' .. ARGV[1]
if redis.call('HGET', lease, 'fence') ~= ARGV[3] then
    return redis.error_reply('another fence')
end
redis.call('DEL', lease)
redis.call('HDEL', KEYS[2], ARGV[2])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('HINCRBY', KEYS[1], 'used', -1)
return 1
