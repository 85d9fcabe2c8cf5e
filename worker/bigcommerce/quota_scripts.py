"""What Redis does of the quota, each in one go: the model that quota.py describes."""

from __future__ import annotations

NOW_AND_STATE = """
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local MILLION = 1e6  -- `ready` is kept in millionths
local s = {flying = 0, asked = 0, turn = 0, ['until'] = 0, paused = 0, pause = 0, probed = 0, probes = 0,
           ready = 1e9 * MILLION, since = now}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do s[flat[i]] = tonumber(flat[i + 1]) end
local function save()
  local fields = {}
  for name, value in pairs(s) do
    fields[#fields + 1] = name
    fields[#fields + 1] = string.format('%.0f', value)
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], math.max(600000, 4 * (s.window or 0), s['until'] - now + 60000))
end
"""

# -> {ms to wait, turn, serial, now, whether the store allows no call until then (1), or only our own pace (0)}
ASK = """
local share, guard, first_calls = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local burst, fewest, catch_up = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local early, slack = tonumber(ARGV[8]), tonumber(ARGV[9])
if now < s['until'] then return {s['until'] - now, 0, 0, now, 1} end
if s.quota then
  if now >= s.reset + guard then
    -- calls in the air may be counted on either side of the turn; older than a window they have long arrived
    s.used = now < s.reset + s.window and s.flying or 0
    s.turn, s.flying, s.others, s.surely, s.reset, s.sure = s.turn + 1, 0, 0, 0, now + s.window, 0
  end
  local floor = math.ceil(s.quota * share - 1e-6)
  local left = s.quota - s.used - math.max(s.others, floor)
  if left <= 0 then
    local wait = s.reset + guard - now
    -- only what others seem to have used stands in the way, and answers on their way may correct that
    if s.quota - s.used > floor and s.flying > 0 then wait = math.min(wait, 250) end
    return {wait, 0, 0, now, 1}
  end
  local ours = s.quota - floor
  -- what of `others` may be calls of ours on their way is no reason to go slowly, only to stop in time
  local lasts = s.quota - s.used - math.max(s.surely or 0, floor)
  local last_call = s.reset - early * s.window - math.min(s.slack or 0, slack * s.window)
  local pace = math.min(catch_up * ours / s.window, lasts / math.max(1, last_call - now))
  local ready = math.min(math.max(fewest, burst * ours), s.ready / MILLION + pace * (now - s.since))
  -- nothing is saved where the answer is no, so that many askers wear off nothing by rounding
  if ready < 1 then return {math.ceil((1 - ready) / pace), 0, 0, now, 0} end
  s.ready, s.since = (ready - 1) * MILLION, now
  s.used = s.used + 1
else
  if now - s.probed >= 1000 then s.probed, s.probes = now, 0 end
  if s.probes >= first_calls then return {s.probed + 1000 - now, 0, 0, now, 0} end
  s.probes = s.probes + 1
end
s.flying, s.asked = s.flying + 1, s.asked + 1
save()
return {0, s.turn, s.asked, now, 0}
"""

HEED = """
local status, turn, serial, at = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local window, quota, left, reset = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local again, shortest, longest = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[12])
local ours = turn == s.turn and serial <= s.asked  -- serials begin again when Redis was emptied
local took = at > 0 and now - at or 0
local old = false
if ours then s.flying = math.max(0, s.flying - 1) end
if window > 0 and quota > 0 and left >= 0 and reset >= 0 and not (s.quota and took > window / 2) then
  local ends = now + reset
  if not s.quota or ends - s.reset > window / 2 then
    -- the first headers ever, or the store's window has turned before ours
    s.used, s.others, s.surely, s.reset, s.slack, s.sure, s.fresh = s.flying + 1, 0, 0, ends, took, 1, 0
    if s.quota then s.turn, s.flying = s.turn + 1, 0 end
  elseif not ours and ends - s.reset < -window / 2 then
    old = true
    if turn == s.turn - 1 then s.used = math.max(0, s.used - 1) end
  elseif ours and s.sure == 0 or ends < s.reset then
    s.reset, s.slack = ends, took
    if ours then s.sure = 1 end
  end
  if not old then
    s.window, s.quota = window, quota
    if serial < 0 or serial > s.asked then serial = s.asked end
    if serial >= (s.fresh or 0) then
      -- counted by the store when it wrote `left`: all of ours but those asked for after this call
      s.fresh = serial
      s.surely = math.max(0, quota - left - s.used)
      local others = math.max(0, quota - left - math.max(0, s.used - (s.asked - serial)))
      -- they went on while the answer was on its way
      s.others = math.floor(others * (1 + took / math.max(window / 10, now - took - (s.reset - window))) + 0.5)
    end
  end
end
if status == 429 and not old then
  if again > 0 or left <= 0 and reset > 0 then
    s['until'] = math.max(s['until'], now + math.max(reset, again))
  elseif at > s.paused or at == 0 and now >= s['until'] then
    -- one pause for all calls that were in the air when the first of them was refused
    s.pause = math.min(longest, math.max(shortest, 2 * s.pause))
    s.paused, s['until'] = now, math.max(s['until'], now + s.pause * tonumber(ARGV[13]))
  end
  -- one call shows whether it is over; the others follow at their pace
  s.ready, s.since = MILLION, math.max(now, s['until'])
elseif status >= 200 and status < 300 and at > s.paused then
  s.pause = 0
end
save()
return 0
"""
