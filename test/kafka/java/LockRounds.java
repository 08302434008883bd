import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.server.util.FileLock;

/**
 * Tries for a lock over and over with Kafka's own class, as a broker does once. Arguments: the lock, a file that whoever
 * has the lock makes and removes again, how often to have it, whether to remove the lock's file before it is let go of, as a
 * broker does when it stops, and how often to try at most. Prints `ready`, waits for a line, and then tells how often it
 * had the lock, how often it was refused, and how often somebody else had it at the same time.
 */
public final class LockRounds {
    public static void main(String[] args) throws Exception {
        File lock = new File(args[0]);
        Path held = Path.of(args[1]);
        int wanted = Integer.parseInt(args[2]);
        boolean removes = Boolean.parseBoolean(args[3]);
        int triesMax = Integer.parseInt(args[4]);
        System.out.println("ready");
        new BufferedReader(new InputStreamReader(System.in)).readLine();
        int taken = 0;
        int shared = 0;
        int refused = 0;
        while (taken < wanted && taken + refused < triesMax) {
            FileLock attempt = new FileLock(lock);
            if (!attempt.tryLock()) {
                refused++;
                attempt.unlockAndClose(); // it holds nothing, and is only closed
                continue;
            }
            taken++;
            try {
                Files.createFile(held);
                Files.delete(held);
            } catch (FileAlreadyExistsException problem) {
                shared++;
            }
            if (removes) attempt.destroy();
            else attempt.unlockAndClose();
        }
        System.out.println("{\"taken\":" + taken + ",\"refused\":" + refused + ",\"shared\":" + shared + "}");
    }
}
