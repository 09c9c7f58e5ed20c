# Puma, telling how it read a request: echo.rb NAME HOST PORT.
#
# The answer's header x-seen has four fields in base64, separated by dots: method, target, body, header lines.
require "puma"
require "puma/server"

app = lambda do |env|
  headers = env.select { |name, _| name.start_with?("HTTP_") }.map { |name, value| [name[5..].tr("_", "-"), value] }
  lines = headers.map { |name, value| "#{name}: #{value}\n" }.join
  parts = [env["REQUEST_METHOD"], env["REQUEST_URI"], env["rack.input"].read.to_s, lines]
  [200, { "x-seen" => parts.map { |part| [part].pack("m0") }.join("."), "content-length" => "3" }, ["ok\n"]]
end

_, host, port = ARGV
server = Puma::Server.new(app, Puma::Events.strings, min_threads: 2, max_threads: 8, persistent_timeout: 75)
server.add_tcp_listener(host, port.to_i)
server.run.join
