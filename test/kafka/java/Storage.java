import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.function.Supplier;
import org.apache.kafka.common.record.internal.FileRecords.LogOffsetPosition;
import org.apache.kafka.common.record.internal.FileRecords.TimestampAndOffset;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.Scheduler;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogSegment;
import org.apache.kafka.storage.internals.log.LogStartOffsetIncrementReason;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

/**
 * Asks Kafka's own storage classes, without a broker, what the lines of standard input ask for: a JSON object a line, and a
 * line of JSON back. They may change the directories that they are given.
 */
public final class Storage {
    private static final ObjectMapper JSON = new ObjectMapper();

    private Storage() {}

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // whatever else is printed is no answer
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine())
            out.println(JSON.writeValueAsString(answer(JSON.readTree(line))));
        out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static JsonNode answer(JsonNode request) throws Exception {
        switch (request.get("do").asText()) {
            case "lookUp":
                return lookUp(request);
            case "retention":
                return retention(request);
            case "defaults":
                return JSON.valueToTree(new LogConfig(Map.of()).values());
            default:
                throw new IllegalArgumentException("unknown request: " + request.get("do"));
        }
    }

    /** Where the segment of base offset `base` has each of `offsets`, and the first record from `start` on of each time. */
    private static JsonNode lookUp(JsonNode request) throws Exception {
        LogConfig config = config(request);
        File directory = new File(request.get("directory").asText());
        long start = request.get("start").asLong();
        LogSegment segment = LogSegment.open(directory, request.get("base").asLong(), config, Time.SYSTEM, true, 0, false, "");
        ArrayNode places = JSON.createArrayNode();
        for (JsonNode offset : request.get("offsets")) {
            LogOffsetPosition place = segment.translateOffset(offset.asLong());
            if (place == null) places.addNull();
            else places.add(JSON.createObjectNode()
                    .put("offset", place.offset).put("position", place.position).put("size", place.size));
        }
        ArrayNode times = JSON.createArrayNode();
        for (JsonNode time : request.get("times")) {
            Optional<TimestampAndOffset> found = segment.findOffsetByTimestamp(time.asLong(), start);
            if (found.isEmpty()) times.addNull();
            else times.add(JSON.createObjectNode().put("offset", found.get().offset).put("timestamp", found.get().timestamp));
        }
        ObjectNode result = JSON.createObjectNode();
        result.set("places", places);
        result.set("times", times);
        result.put("largest", segment.largestTimestamp());
        segment.close();
        return result;
    }

    /** Opens the log in `directory`, whose start is `start`, lets retention decide at `now`, and tells what is left. */
    private static JsonNode retention(JsonNode request) throws Exception {
        File directory = new File(request.get("directory").asText());
        UnifiedLog log = UnifiedLog.create(
                directory, config(request), 0, 0, new NoScheduler(), new BrokerTopicStats(),
                new FixedTime(request.get("now").asLong()), 60_000, new ProducerStateManagerConfig(60_000, false), 60_000,
                new LogDirFailureChannel(1), true, Optional.empty());
        log.updateHighWatermark(log.logEndOffset());
        log.maybeIncrementLogStartOffset(request.get("start").asLong(), LogStartOffsetIncrementReason.ClientRecordDeletion);
        log.deleteOldSegments();
        ArrayNode bases = JSON.createArrayNode();
        log.logSegments().forEach(segment -> bases.add(segment.baseOffset()));
        ObjectNode result = JSON.createObjectNode();
        result.put("startOffset", log.logStartOffset()).put("endOffset", log.logEndOffset());
        result.set("segments", bases);
        log.closeHandlers();
        return result;
    }

    private static LogConfig config(JsonNode request) {
        Map<String, String> config = new HashMap<>();
        request.path("config").properties().forEach(entry -> config.put(entry.getKey(), entry.getValue().asText()));
        return new LogConfig(config);
    }

    /** A clock that stands still. */
    private record FixedTime(long now) implements Time {
        @Override
        public long milliseconds() {
            return now;
        }

        @Override
        public long nanoseconds() {
            return now * 1_000_000;
        }

        @Override
        public void sleep(long ms) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void waitObject(Object object, Supplier<Boolean> condition, long deadlineMs) {
            throw new UnsupportedOperationException();
        }
    }

    /** Does nothing later: not even removing the files of deleted segments. */
    private static final class NoScheduler implements Scheduler {
        @Override
        public void startup() {}

        @Override
        public void shutdown() {}

        @Override
        public ScheduledFuture<?> schedule(String name, Runnable task, long delayMs, long periodMs) {
            return null;
        }

        @Override
        public void resizeThreadPool(int size) {}
    }
}
