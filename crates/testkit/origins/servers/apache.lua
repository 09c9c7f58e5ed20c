-- The answer's header x-seen has four fields in base64: method, target, body, header lines.
function handle(r)
  local body = r:requestbody() or ""
  local lines = {}
  for name, value in pairs(r:headers_in_table()) do
    lines[#lines + 1] = name .. ": " .. value .. "\n"
  end
  local parts = { r.method, r.unparsed_uri, body, table.concat(lines) }
  for i, part in ipairs(parts) do parts[i] = r:base64_encode(part) end
  r.headers_out["x-seen"] = table.concat(parts, ".")
  r:write("ok\n")
  return apache2.OK
end
