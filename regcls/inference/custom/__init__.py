"""User-supplied ONNX models: inspect, complete and try them safely."""
