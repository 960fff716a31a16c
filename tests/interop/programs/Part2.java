// Part 2: the PDC in Java.  java Part2.java PORT CMD_short:0
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

public class Part2 {
    public static void main(String[] args) throws Exception {
        try (Socket socket = new Socket("localhost", Integer.parseInt(args[0]))) {
            OutputStream out = socket.getOutputStream();
            out.write(args[1].getBytes(StandardCharsets.UTF_8));
            out.flush();

            InputStream in = socket.getInputStream();
            String received = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            System.out.println(received.replaceAll("(\\d)This", "$1\nThis"));
        }
    }
}
