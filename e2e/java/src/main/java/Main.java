import io.socket.client.Ack;
import io.socket.client.IO;
import io.socket.client.Socket;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.json.JSONArray;
import org.json.JSONObject;

/**
 * The official Java client against profile parity of a testbed: {@code java Main URL}.
 *
 * <p>Prints one line per test, "ok NAME" or "not ok NAME: WHY", over polling, over WebSocket and through the upgrade.
 */
public final class Main {
  private static final int PATIENCE_SECONDS = 10;
  private static final Map<String, String[]> MODES =
      Map.of(
          "polling", new String[] {"polling"},
          "websocket", new String[] {"websocket"},
          "upgrade", new String[] {"polling", "websocket"});

  private final String url;
  private final String mode;
  private final List<Socket> open = new ArrayList<>();

  private Main(String url, String mode) {
    this.url = url;
    this.mode = mode;
  }

  private interface Body {
    void run() throws Exception;
  }

  public static void main(String[] args) {
    boolean failed = false;
    for (String mode : List.of("polling", "websocket", "upgrade")) {
      Main m = new Main(args[0], mode);
      failed |= m.test("connects", m::connects);
      failed |= m.test("acks", m::acks);
      failed |= m.test("events in order", m::order);
      failed |= m.test("binary", m::binary);
      failed |= m.test("the server asks", m::serverAsks);
      failed |= m.test("namespaces", m::namespaces);
      failed |= m.test("rooms", m::rooms);
      failed |= m.test("refused with data", m::refused);
      failed |= m.test("unknown namespace", m::unknownNamespace);
      failed |= m.test("the server disconnects", m::serverDisconnects);
    }
    // The client's own threads must not hold up the end.
    System.out.flush();
    System.exit(failed ? 1 : 0);
  }

  private boolean test(String name, Body body) {
    String full = name + " over " + mode;
    try {
      body.run();
      System.out.println("ok " + full);
      return false;
    } catch (Throwable t) {
      System.out.println("not ok " + full + ": " + String.valueOf(t).replace('\n', ' '));
      return true;
    } finally {
      open.forEach(Socket::disconnect);
      open.clear();
    }
  }

  private Socket socket(String nsp, Map<String, String> auth) {
    IO.Options options =
        IO.Options.builder()
            .setForceNew(true)
            .setReconnection(false)
            .setTransports(MODES.get(mode))
            .setAuth(auth)
            .build();
    Socket s = IO.socket(URI.create(url + nsp), options);
    open.add(s);
    return s;
  }

  private Socket connected(String nsp, Map<String, String> auth) throws Exception {
    Socket s = socket(nsp, auth);
    BlockingQueue<Object[]> connect = listen(s, Socket.EVENT_CONNECT);
    s.connect();
    take(connect, "connect");
    return s;
  }

  private Socket connected() throws Exception {
    return connected("/", null);
  }

  private static BlockingQueue<Object[]> listen(Socket s, String event) {
    BlockingQueue<Object[]> queue = new LinkedBlockingQueue<>();
    s.on(event, queue::add);
    return queue;
  }

  private static Object[] take(BlockingQueue<Object[]> queue, String what) throws Exception {
    Object[] got = queue.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (got == null) {
      throw new AssertionError("nothing came: " + what);
    }
    return got;
  }

  private static Object[] call(Socket s, String event, Object... args) throws Exception {
    CompletableFuture<Object[]> answer = new CompletableFuture<>();
    s.emit(event, args, (Ack) answer::complete);
    return answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  private static Object ctl(Socket s, String op, Object... more) throws Exception {
    JSONObject command = new JSONObject().put("op", op);
    for (int i = 0; i < more.length; i += 2) {
      command.put((String) more[i], more[i + 1]);
    }
    return call(s, "ctl", command)[0];
  }

  private static void same(Object got, Object want) {
    if (!String.valueOf(got).equals(String.valueOf(want))) {
      throw new AssertionError("got " + got + ", want " + want);
    }
  }

  private void connects() throws Exception {
    Socket s = socket("/", Map.of("user", "u"));
    BlockingQueue<Object[]> welcomes = listen(s, "welcome");
    s.connect();
    JSONObject welcome = (JSONObject) take(welcomes, "welcome")[0];
    same(welcome.getString("id"), s.id());
    same(welcome.getJSONObject("auth").getString("user"), "u");
    same(welcome.getJSONArray("rooms").length(), 1);
  }

  private void acks() throws Exception {
    Socket s = connected();
    Object[] got = call(s, "echo", 1, "é€😀", true, new JSONArray().put(2), new JSONObject().put("a", JSONObject.NULL));
    same(Arrays.toString(got), "[1, é€😀, true, [2], {\"a\":null}]");
  }

  private void order() throws Exception {
    Socket s = connected();
    BlockingQueue<Object[]> echoes = listen(s, "echo");
    for (int i = 0; i < 1000; i++) {
      s.emit("echo", i);
    }
    for (int i = 0; i < 1000; i++) {
      same(take(echoes, "echo")[0], i);
    }
  }

  private void binary() throws Exception {
    Socket s = connected();
    byte[] bytes = new byte[256];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    BlockingQueue<Object[]> echoes = listen(s, "echo");
    s.emit("echo", bytes, new JSONObject().put("deep", new JSONArray().put(bytes)));
    Object[] got = take(echoes, "echo");
    same(Arrays.equals((byte[]) got[0], bytes), true);
    same(Arrays.equals((byte[]) ((JSONObject) got[1]).getJSONArray("deep").get(0), bytes), true);
    same(Arrays.equals((byte[]) call(s, "echo", (Object) bytes)[0], bytes), true);
  }

  private void serverAsks() throws Exception {
    Socket s = connected();
    s.on("ask", args -> ((Ack) args[1]).call("got " + args[0]));
    Object answer = ctl(s, "emitWithAck", "event", "ask", "args", new JSONArray().put("x"));
    same(((JSONObject) answer).getString("responses"), "got x");
  }

  private void namespaces() throws Exception {
    Socket root = connected();
    Socket custom = connected("/custom", null);
    same(call(custom, "echo", "in custom")[0], "in custom");
    same(root.id().equals(custom.id()), false);
  }

  private void rooms() throws Exception {
    Socket a = connected();
    Socket b = connected();
    Socket c = connected();
    String room = "java-" + mode;
    List<BlockingQueue<Object[]>> inboxes = new ArrayList<>();
    for (Socket s : List.of(a, b, c)) {
      inboxes.add(listen(s, "hello"));
    }
    ctl(a, "join", "rooms", new JSONArray().put(room));
    ctl(b, "join", "rooms", new JSONArray().put(room));
    JSONObject target = new JSONObject().put("from", "server").put("to", new JSONArray().put(room));
    ctl(c, "emit", "target", target, "event", "hello", "args", new JSONArray().put(1));
    same(take(inboxes.get(0), "hello")[0], 1);
    same(take(inboxes.get(1), "hello")[0], 1);
    call(c, "echo");
    same(inboxes.get(2).size(), 0);
  }

  private void refused() throws Exception {
    Socket s = socket("/guarded", null);
    BlockingQueue<Object[]> errors = listen(s, Socket.EVENT_CONNECT_ERROR);
    s.connect();
    JSONObject error = (JSONObject) take(errors, "connect_error")[0];
    same(error.getString("message"), "unauthorized");
    same(error.getJSONObject("data").getInt("code"), 401);
    Socket again = connected("/guarded", Map.of("token", "secret"));
    same(again.connected(), true);
  }

  private void unknownNamespace() throws Exception {
    Socket s = socket("/nothing", null);
    BlockingQueue<Object[]> errors = listen(s, Socket.EVENT_CONNECT_ERROR);
    s.connect();
    same(((JSONObject) take(errors, "connect_error")[0]).getString("message"), "Invalid namespace");
  }

  private void serverDisconnects() throws Exception {
    Socket s = connected();
    BlockingQueue<Object[]> gone = listen(s, Socket.EVENT_DISCONNECT);
    s.emit("ctl", new JSONObject().put("op", "disconnect").put("close", true));
    same(take(gone, "disconnect")[0], "io server disconnect");
  }
}
