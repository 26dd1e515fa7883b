import com.corundumstudio.socketio.AckRequest;
import com.corundumstudio.socketio.Configuration;
import com.corundumstudio.socketio.SocketConfig;
import com.corundumstudio.socketio.SocketIOServer;
import java.net.InetAddress;
import java.net.ServerSocket;

/**
 * The testbed's profile bench, served by netty-socketio.
 *
 * <pre>java -cp classes:lib/* Rival -addr 127.0.0.1:0</pre>
 *
 * <p>netty-socketio has no volatile emits: {@code volatile} is an ordinary broadcast here. It hands binary payloads
 * to handlers that declare them and to no others, so that the payloads of this profile are JSON only.
 */
public final class Rival {
  public static void main(String[] args) throws Exception {
    if (args.length != 2 || !args[0].equals("-addr") || args[1].indexOf(':') < 0) {
      System.err.println("want -addr HOST:PORT");
      System.exit(2);
    }
    int colon = args[1].lastIndexOf(':');
    String host = args[1].substring(0, colon);
    int port = Integer.parseInt(args[1].substring(colon + 1));
    if (port == 0) {
      port = freePort(host); // the server does not tell which port it got
    }

    SocketIOServer server = new SocketIOServer(configuration(host, port));
    listen(server);
    server.start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(0)));
    System.out.println("listening on http://" + host + ":" + port);
  }

  private static int freePort(String host) throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(host))) {
      return socket.getLocalPort();
    }
  }

  private static Configuration configuration(String host, int port) {
    SocketConfig socket = new SocketConfig();
    socket.setReuseAddress(true);
    socket.setTcpNoDelay(true);
    socket.setAcceptBackLog(4096);

    Configuration c = new Configuration();
    c.setHostname(host);
    c.setPort(port);
    c.setSocketConfig(socket);
    c.setBossThreads(1);
    c.setWorkerThreads(1);
    c.setUseLinuxNativeEpoll(true);
    c.setWebsocketCompression(false);
    c.setMaxFramePayloadLength(1_000_000);
    c.setMaxHttpContentLength(1_000_000);
    c.setPingInterval(25_000);
    c.setPingTimeout(20_000);
    c.setRandomSession(true);
    return c;
  }

  private static void listen(SocketIOServer server) {
    server.addEventListener("echo", Object.class, (client, payload, ack) -> {
      if (ack.isAckRequested()) {
        ack.sendAckData(payload);
      } else {
        client.sendEvent("echo", payload);
      }
    });
    for (String event : new String[] {"broadcast", "volatile"}) {
      server.addEventListener(event, Object.class, (client, payload, ack) ->
          server.getBroadcastOperations().sendEvent("broadcast", payload));
    }
    server.addMultiTypeEventListener("room", (client, args, ack) ->
        server.getRoomOperations(args.<String>get(0)).sendEvent("room", args.<Object>get(1)),
        String.class, Object.class);
    server.addEventListener("join", String.class, (client, room, ack) -> {
      client.joinRoom(room);
      acknowledge(ack);
    });
    server.addEventListener("leave", String.class, (client, room, ack) -> {
      client.leaveRoom(room);
      acknowledge(ack);
    });
  }

  private static void acknowledge(AckRequest ack) {
    if (ack.isAckRequested()) {
      ack.sendAckData(true);
    }
  }

  private Rival() {}
}
