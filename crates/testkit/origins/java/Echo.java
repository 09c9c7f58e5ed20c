import com.sun.net.httpserver.HttpServer;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpServerKeepAliveHandler;
import io.netty.handler.codec.http.HttpVersion;
import io.undertow.Undertow;
import io.undertow.UndertowOptions;
import io.undertow.util.HttpString;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Base64;
import java.util.Collections;
import java.util.concurrent.Executors;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;

/**
 * Java's HTTP servers in one process, each telling how it read a request: Echo HOST NAME=PORT...
 *
 * <p>The answer's header x-seen has four fields in base64, separated by dots: method, target, body, header lines.
 */
public final class Echo {
    static final byte[] OK = "ok\n".getBytes(StandardCharsets.US_ASCII);

    static String b64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    static String b64(CharSequence text) {
        return b64(text.toString().getBytes(StandardCharsets.ISO_8859_1));
    }

    static String seen(String method, String target, byte[] body, CharSequence headers) {
        return b64(method) + "." + b64(target) + "." + b64(body) + "." + b64(headers);
    }

    static StringBuilder line(StringBuilder lines, CharSequence name, CharSequence value) {
        return lines.append(name).append(": ").append(value).append('\n');
    }

    static void jdk(InetSocketAddress address) throws IOException {
        HttpServer server = HttpServer.create(address, 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", exchange -> {
            byte[] body = exchange.getRequestBody().readAllBytes();
            StringBuilder lines = new StringBuilder();
            exchange.getRequestHeaders().forEach((name, values) -> values.forEach(value -> line(lines, name, value)));
            String target = exchange.getRequestURI().toString();
            exchange.getResponseHeaders().set("x-seen", seen(exchange.getRequestMethod(), target, body, lines));
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(200, head ? -1 : OK.length);
            if (!head) {
                exchange.getResponseBody().write(OK);
            }
            exchange.close();
        });
        server.start();
    }

    static void jetty(InetSocketAddress address) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server, 1, 1);
        connector.setHost(address.getHostString());
        connector.setPort(address.getPort());
        connector.setIdleTimeout(75_000);
        server.addConnector(connector);
        server.setHandler(new Handler.Abstract() {
            @Override
            public boolean handle(Request request, Response response, Callback callback) throws Exception {
                byte[] body = Content.Source.asInputStream(request).readAllBytes();
                StringBuilder lines = new StringBuilder();
                request.getHeaders().forEach(field -> line(lines, field.getName(), String.valueOf(field.getValue())));
                String target = request.getHttpURI().getPathQuery();
                response.getHeaders().put("x-seen", seen(request.getMethod(), target, body, lines));
                response.write(true, ByteBuffer.wrap(OK), callback);
                return true;
            }
        });
        server.start();
    }

    static void undertow(InetSocketAddress address) {
        Undertow.builder()
                .addHttpListener(address.getPort(), address.getHostString())
                .setIoThreads(1)
                .setWorkerThreads(4)
                .setServerOption(UndertowOptions.NO_REQUEST_TIMEOUT, 75_000)
                .setHandler(exchange -> exchange.getRequestReceiver().receiveFullBytes((ex, body) -> {
                    StringBuilder lines = new StringBuilder();
                    ex.getRequestHeaders().forEach(values -> values.forEach(
                            value -> line(lines, values.getHeaderName().toString(), value)));
                    String query = ex.getQueryString();
                    String target = ex.getRequestURI() + (query.isEmpty() ? "" : "?" + query);
                    ex.getResponseHeaders().put(
                            new HttpString("x-seen"), seen(ex.getRequestMethod().toString(), target, body, lines));
                    ex.getResponseSender().send(ByteBuffer.wrap(OK));
                }))
                .build()
                .start();
    }

    static void tomcat(InetSocketAddress address) throws Exception {
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(Files.createTempDirectory("tomcat").toString());
        tomcat.setHostname("any");
        tomcat.getEngine().setDefaultHost("any");
        tomcat.setPort(address.getPort());
        tomcat.getConnector().setProperty("address", address.getHostString());
        tomcat.getConnector().setProperty("maxKeepAliveRequests", "-1");
        tomcat.getConnector().setProperty("keepAliveTimeout", "75000");
        tomcat.getConnector().setProperty("maxThreads", "8");
        Context context = tomcat.addContext("", null);
        Tomcat.addServlet(context, "echo", new HttpServlet() {
            @Override
            protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
                byte[] body = request.getInputStream().readAllBytes();
                StringBuilder lines = new StringBuilder();
                for (String name : Collections.list(request.getHeaderNames())) {
                    for (String value : Collections.list(request.getHeaders(name))) {
                        line(lines, name, value);
                    }
                }
                String query = request.getQueryString();
                String target = request.getRequestURI() + (query == null ? "" : "?" + query);
                response.setHeader("x-seen", seen(request.getMethod(), target, body, lines));
                response.setContentLength(OK.length);
                response.getOutputStream().write(OK);
            }
        });
        context.addServletMappingDecoded("/", "echo");
        tomcat.start();
    }

    static void netty(InetSocketAddress address) throws Exception {
        NioEventLoopGroup group = new NioEventLoopGroup(1);
        new ServerBootstrap()
                .group(group)
                .channel(NioServerSocketChannel.class)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(
                                new HttpServerCodec(),
                                new HttpServerKeepAliveHandler(),
                                new HttpObjectAggregator(1 << 20),
                                new Netty());
                    }
                })
                .bind(address)
                .sync();
    }

    static final class Netty extends SimpleChannelInboundHandler<FullHttpRequest> {
        @Override
        protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
            boolean good = request.decoderResult().isSuccess();
            DefaultFullHttpResponse response = new DefaultFullHttpResponse(
                    HttpVersion.HTTP_1_1,
                    good ? HttpResponseStatus.OK : HttpResponseStatus.BAD_REQUEST,
                    Unpooled.wrappedBuffer(OK));
            if (good) {
                byte[] body = new byte[request.content().readableBytes()];
                request.content().readBytes(body);
                StringBuilder lines = new StringBuilder();
                request.headers().forEach(entry -> line(lines, entry.getKey(), entry.getValue()));
                response.headers().set("x-seen", seen(request.method().name(), request.uri(), body, lines));
            } else {
                response.headers().set("connection", "close");
            }
            response.headers().set("content-length", OK.length);
            context.writeAndFlush(response);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    public static void main(String[] arguments) throws Exception {
        for (int i = 1; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=");
            InetSocketAddress address = new InetSocketAddress(arguments[0], Integer.parseInt(pair[1]));
            switch (pair[0]) {
                case "com.sun.net.httpserver" -> jdk(address);
                case "jetty" -> jetty(address);
                case "undertow" -> undertow(address);
                case "tomcat" -> tomcat(address);
                case "netty" -> netty(address);
                default -> throw new IllegalArgumentException(pair[0]);
            }
        }
    }
}
