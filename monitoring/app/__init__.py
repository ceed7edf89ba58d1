"""The review of alerts as a web page, on Streamlit: the queue, the evidence of each alert, and what people decide."""
