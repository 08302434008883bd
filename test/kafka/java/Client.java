import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Does with Kafka's own clients what the lines of standard input ask for: a JSON object a line, and a line of JSON back,
 * with `error` in it when that failed. Bytes are in base64, null is null. The only argument is the broker's address.
 */
public final class Client {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration POLL = Duration.ofMillis(100);
    private final String bootstrap;
    private final Admin admin;
    private final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
    private final Set<String> inTransaction = new HashSet<>();

    private Client(String bootstrap) {
        this.bootstrap = bootstrap;
        this.admin = Admin.create(properties());
    }

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // whatever else is printed is no answer
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Client client = new Client(args[0]);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            out.write((client.answer(JSON.readTree(line)) + "\n").getBytes(StandardCharsets.UTF_8));
            out.flush();
        }
        Runtime.getRuntime().halt(0); // open producers would wait for a broker that may be gone
    }

    private String answer(JsonNode request) {
        try {
            return JSON.writeValueAsString(run(request));
        } catch (Exception problem) {
            Throwable cause = problem instanceof java.util.concurrent.ExecutionException ? problem.getCause() : problem;
            return JSON.createObjectNode().put("error", cause.toString()).toString();
        }
    }

    private JsonNode run(JsonNode request) throws Exception {
        switch (request.get("do").asText()) {
            case "createTopic":
                return createTopic(request);
            case "deleteTopic":
                admin.deleteTopics(List.of(request.get("topic").asText())).all().get();
                return JSON.createObjectNode();
            case "configure":
                return configure(request);
            case "deleteRecords":
                admin.deleteRecords(Map.of(partition(request), RecordsToDelete.beforeOffset(request.get("offset").asLong())))
                        .all().get();
                return JSON.createObjectNode();
            case "produce":
                return produce(request);
            case "load":
                return load(request);
            case "consume":
                return consume(request);
            case "firstFrom":
                return firstFrom(request);
            case "listOffsets":
                return listOffsets(request);
            case "commitOffset":
                return commitOffset(request);
            default:
                throw new IllegalArgumentException("unknown request: " + request.get("do"));
        }
    }

    private JsonNode createTopic(JsonNode request) throws Exception {
        NewTopic topic = new NewTopic(
                request.get("topic").asText(), Optional.of(request.path("partitions").asInt(1)), Optional.of((short) 1));
        topic.configs(texts(request.path("config")));
        admin.createTopics(List.of(topic)).all().get();
        return JSON.createObjectNode();
    }

    private JsonNode configure(JsonNode request) throws Exception {
        List<AlterConfigOp> operations = new ArrayList<>();
        texts(request.get("config")).forEach((key, value) ->
                operations.add(new AlterConfigOp(new ConfigEntry(key, value), AlterConfigOp.OpType.SET)));
        ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, request.get("topic").asText());
        admin.incrementalAlterConfigs(Map.of(topic, operations)).all().get();
        return JSON.createObjectNode();
    }

    /**
     * Sends all records and flushes: one batch a partition, where they fit into one. `transaction`: `commit` or `abort`;
     * anything else leaves it open, for the next request of the same producer to go on with. Producers are kept, one for
     * each combination of settings, so that sequence numbers go on.
     */
    private JsonNode produce(JsonNode request) throws Exception {
        Map<String, String> settings = texts(request.path("producer"));
        KafkaProducer<byte[], byte[]> producer = producers.get(settings.toString());
        boolean isTransactional = settings.containsKey("transactional.id");
        if (producer == null) {
            producer = producer(settings);
            producers.put(settings.toString(), producer);
        }
        if (isTransactional && inTransaction.add(settings.toString())) producer.beginTransaction();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        producer.partitionsFor(request.get("topic").asText()); // or the first record would go alone
        for (JsonNode record : request.get("records")) sent.add(producer.send(producerRecord(request, record)));
        producer.flush();
        ArrayNode offsets = JSON.createArrayNode();
        for (Future<RecordMetadata> future : sent) offsets.add(future.get().offset());
        String end = request.get("transaction").asText();
        if (isTransactional && end.equals("abort")) producer.abortTransaction();
        if (isTransactional && end.equals("commit")) producer.commitTransaction();
        if (!end.equals("open")) inTransaction.remove(settings.toString());
        ObjectNode result = JSON.createObjectNode();
        result.set("offsets", offsets);
        return result;
    }

    private KafkaProducer<byte[], byte[]> producer(Map<String, String> settings) {
        Properties properties = properties();
        properties.put("acks", "all");
        properties.put("linger.ms", "60000"); // flush() sends
        properties.put("delivery.timeout.ms", "120000");
        properties.put("batch.size", "900000");
        properties.putAll(settings);
        KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
        if (settings.containsKey("transactional.id")) producer.initTransactions();
        return producer;
    }

    /** Starts one producer for each of `producers`, its settings; all of them send until this process ends. */
    private JsonNode load(JsonNode request) {
        long seed = request.get("seed").asLong();
        for (JsonNode settings : request.get("producers")) {
            KafkaProducer<byte[], byte[]> producer = producer(texts(settings));
            Random random = new Random(seed++);
            Thread thread = new Thread(() -> sendForEver(producer, request, random, settings.has("transactional.id")));
            thread.setDaemon(true);
            thread.start();
        }
        return JSON.createObjectNode();
    }

    private static void sendForEver(
            KafkaProducer<byte[], byte[]> producer, JsonNode request, Random random, boolean isTransactional) {
        String topic = request.get("topic").asText();
        for (int number = 0; ; ) {
            if (isTransactional) producer.beginTransaction();
            for (int batches = random.nextInt(4); batches >= 0; batches--) {
                int partition = random.nextInt(request.get("partitions").asInt());
                for (int records = random.nextInt(10); records >= 0; records--) {
                    byte[] value = new byte[random.nextInt(request.get("valueBytes").asInt())];
                    random.nextBytes(value);
                    byte[] key = ("k" + number++ % 50).getBytes(StandardCharsets.UTF_8);
                    producer.send(new ProducerRecord<>(topic, partition, key, value));
                }
                producer.flush();
            }
            if (!isTransactional) continue;
            if (random.nextInt(3) == 0) producer.abortTransaction();
            else producer.commitTransaction();
        }
    }

    private static ProducerRecord<byte[], byte[]> producerRecord(JsonNode request, JsonNode record) throws Exception {
        List<Header> headers = new ArrayList<>();
        for (JsonNode header : record.path("headers"))
            headers.add(new RecordHeader(header.get(0).asText(), bytes(header.get(1))));
        Long timestamp = record.hasNonNull("timestamp") ? record.get("timestamp").asLong() : null;
        return new ProducerRecord<>(
                request.get("topic").asText(), request.path("partition").asInt(0), timestamp,
                bytes(record.path("key")), bytes(record.path("value")), headers);
    }

    /** All records from `from` (the first by default) up to the end that the broker tells. */
    private JsonNode consume(JsonNode request) {
        TopicPartition partition = partition(request);
        ArrayNode records = JSON.createArrayNode();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(texts(request.path("consumer")))) {
            consumer.assign(List.of(partition));
            if (request.hasNonNull("from")) consumer.seek(partition, request.get("from").asLong());
            else consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) records.add(toJson(record));
                if (System.nanoTime() > deadline)
                    throw new IllegalStateException("stuck at " + consumer.position(partition) + " of " + end);
            }
            ObjectNode result = JSON.createObjectNode();
            result.put("end", end);
            result.set("records", records);
            return result;
        }
    }

    /** For each of `offsets` the offset of the first record that a consumer gets from there on; null when there is none. */
    private JsonNode firstFrom(JsonNode request) {
        TopicPartition partition = partition(request);
        ArrayNode found = JSON.createArrayNode();
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of("max.poll.records", "1"))) {
            consumer.assign(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            for (JsonNode offset : request.get("offsets")) {
                consumer.seek(partition, offset.asLong());
                Long first = null;
                long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
                do { // once in any case: an offset that is out of range is an error
                    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) first = record.offset();
                    if (first == null && System.nanoTime() > deadline)
                        throw new IllegalStateException("nothing comes from offset " + offset + " on");
                } while (first == null && consumer.position(partition) < end);
                found.add(first);
            }
        }
        ObjectNode result = JSON.createObjectNode();
        result.set("offsets", found);
        return result;
    }

    /** Answers each of `specs`: `earliest`, `latest`, `maxTimestamp`, or a time in ms. */
    private JsonNode listOffsets(JsonNode request) throws Exception {
        TopicPartition partition = partition(request);
        List<org.apache.kafka.common.KafkaFuture<ListOffsetsResultInfo>> asked = new ArrayList<>();
        for (JsonNode spec : request.get("specs"))
            asked.add(admin.listOffsets(Map.of(partition, offsetSpec(spec))).partitionResult(partition));
        ArrayNode found = JSON.createArrayNode();
        for (org.apache.kafka.common.KafkaFuture<ListOffsetsResultInfo> future : asked) {
            ListOffsetsResultInfo info = future.get();
            found.add(JSON.createObjectNode().put("offset", info.offset()).put("timestamp", info.timestamp()));
        }
        ObjectNode result = JSON.createObjectNode();
        result.set("found", found);
        return result;
    }

    private JsonNode commitOffset(JsonNode request) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(Map.of("group.id", request.get("group").asText()))) {
            consumer.commitSync(Map.of(partition(request), new OffsetAndMetadata(request.get("offset").asLong(), "note")));
        }
        return JSON.createObjectNode();
    }

    private static OffsetSpec offsetSpec(JsonNode spec) {
        if (spec.isNumber()) return OffsetSpec.forTimestamp(spec.asLong());
        switch (spec.asText()) {
            case "earliest":
                return OffsetSpec.earliest();
            case "latest":
                return OffsetSpec.latest();
            case "maxTimestamp":
                return OffsetSpec.maxTimestamp();
            default:
                throw new IllegalArgumentException("unknown spec: " + spec);
        }
    }

    private KafkaConsumer<byte[], byte[]> consumer(Map<String, String> settings) {
        Properties properties = properties();
        properties.put("enable.auto.commit", "false");
        properties.put("fetch.max.wait.ms", "50");
        properties.put("auto.offset.reset", "none");
        properties.putAll(settings);
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    private Properties properties() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        return properties;
    }

    private static TopicPartition partition(JsonNode request) {
        return new TopicPartition(request.get("topic").asText(), request.path("partition").asInt(0));
    }

    private static Map<String, String> texts(JsonNode object) {
        Map<String, String> texts = new java.util.TreeMap<>();
        if (object.isObject())
            object.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
        return texts;
    }

    private static JsonNode toJson(ConsumerRecord<byte[], byte[]> record) {
        ArrayNode headers = JSON.createArrayNode();
        for (Header header : record.headers())
            headers.add(JSON.createArrayNode().add(header.key()).add(base64(header.value())));
        ObjectNode json = JSON.createObjectNode();
        json.put("offset", record.offset()).put("timestamp", record.timestamp());
        json.put("timestampType", record.timestampType().toString());
        json.put("key", base64(record.key())).put("value", base64(record.value()));
        json.set("headers", headers);
        return json;
    }

    private static byte[] bytes(JsonNode node) {
        return node.isNull() || node.isMissingNode() ? null : Base64.getDecoder().decode(node.asText());
    }

    private static String base64(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }
}
