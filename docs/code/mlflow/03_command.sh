export MLFLOW_TRACKING_URI=sqlite:///runs.db MLFLOW_EXPERIMENT_NAME=emotion
textgraft train data/emotion/val.txt --folds 0 --out models/ngrams --no-report --log mlflow
